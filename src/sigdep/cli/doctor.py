"""`sigdep doctor`: looks at the machine and the data folder, and says what would go wrong before it does."""

import json
import os
import resource
import shutil
import socket
import sqlite3
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

import click
from msgspec import Struct, to_builtins

from sigdep.cli.options import FAILED, data_dir_option, settings_from
from sigdep.services.channels import survey
from sigdep.services.data_folder import DataFolder, DataInUse
from sigdep.services.settings import Settings

FREE_BYTES_MIN: Final = 1_000_000_000
OPEN_FILES_MIN: Final = 1_024
SQLITE_MIN: Final = (3, 37)
SYNC_TRIES: Final = 50
SYNC_SLOW_SECONDS: Final = 0.020
"""A disk that takes longer to make a write durable holds a single writer below fifty writes a second."""

State = Literal["ok", "look", "bad"]
MARKS: Final[dict[State, str]] = {"ok": "✓", "look": "!", "bad": "✗"}


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    what: str
    state: State
    detail: str


@click.command()
@data_dir_option
@click.option("--port", type=int, help="The port that `sigdep up` shall use.  [8000]")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor(data_dir: str | None, port: int | None, as_json: bool) -> None:
    """Check the machine and the data folder. Exit 1 if something would keep SigDep from working."""
    settings, _ = settings_from({"data_dir": data_dir, "port": port})
    findings = list(examine(settings))
    if as_json:
        click.echo(json.dumps(to_builtins(findings), indent=2))
    else:
        for finding in findings:
            click.echo(f"{MARKS[finding.state]} {finding.what}: {finding.detail}")
    if any(finding.state == "bad" for finding in findings):
        sys.exit(FAILED)


def examine(settings: Settings) -> Iterator[Finding]:
    folder = DataFolder(settings.data_path)
    checks: list[Callable[[], Finding]] = [
        _python,
        _sqlite,
        _open_files,
        lambda: _folder(folder),
        lambda: _disk_space(folder),
        lambda: _disk_speed(folder),
        lambda: _secrets(folder),
        lambda: _in_use(folder),
        lambda: _port(settings),
    ]
    for check in checks:
        yield check()
    yield from _channels(settings)


def _channels(settings: Settings) -> Iterator[Finding]:
    """Which ways out there are, and what is missing of the others."""
    for channel in survey(settings):
        yield Finding(channel.what, "bad" if channel.wrong else "ok", channel.detail)


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("Python", "ok" if sys.version_info >= (3, 11) else "bad", f"{version} (3.11 or newer is needed)")


def _sqlite() -> Finding:
    with sqlite3.connect(":memory:") as connection:
        options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    if sqlite3.sqlite_version_info < SQLITE_MIN:
        needed = ".".join(str(part) for part in SQLITE_MIN)
        return Finding("SQLite", "bad", f"{sqlite3.sqlite_version} is too old; {needed} or newer is needed")
    if "ENABLE_FTS5" not in options:
        return Finding("SQLite", "bad", f"{sqlite3.sqlite_version} was built without full-text search (FTS5)")
    return Finding("SQLite", "ok", f"{sqlite3.sqlite_version} with full-text search")


def _open_files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < OPEN_FILES_MIN:
        return Finding("Open files", "look", f"{soft} allowed; for many clients run: ulimit -n {OPEN_FILES_MIN * 8}")
    return Finding("Open files", "ok", f"{soft} allowed")


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _folder(folder: DataFolder) -> Finding:
    place = _existing(folder.path)
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding("Data folder", "bad", f"{place} cannot be written; give another with --data-dir")
    if not folder.path.exists():
        return Finding("Data folder", "ok", f"{folder.path} will be made at the first start")
    mode = stat.S_IMODE(folder.path.stat().st_mode)
    if mode & 0o077:
        return Finding("Data folder", "look", f"{folder.path} is open to other users; run: chmod 700 {folder.path}")
    return Finding("Data folder", "ok", str(folder.path))


def _disk_space(folder: DataFolder) -> Finding:
    free = shutil.disk_usage(_existing(folder.path)).free
    return Finding("Disk space", "ok" if free >= FREE_BYTES_MIN else "look", f"{free / 1e9:.1f} GB free")


def _disk_speed(folder: DataFolder) -> Finding:
    place = _existing(folder.path)
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding("Disk speed", "bad", f"{place} cannot be written")
    with tempfile.TemporaryFile(dir=place) as file:
        started = time.perf_counter()
        for _ in range(SYNC_TRIES):
            file.write(bytes(512))
            file.flush()
            os.fsync(file.fileno())
        each = (time.perf_counter() - started) / SYNC_TRIES
    state: State = "ok" if each < SYNC_SLOW_SECONDS else "look"
    return Finding("Disk speed", state, f"a durable write takes {each * 1_000:.2f} ms")


def _secrets(folder: DataFolder) -> Finding:
    if not folder.secrets.exists():
        return Finding("Secrets", "ok", "will be made at the first start")
    exposed = [path for path in sorted(folder.secrets.iterdir()) if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if exposed:
        return Finding("Secrets", "bad", f"others can read {exposed[0]}; run: chmod 600 {exposed[0]}")
    return Finding("Secrets", "ok", "readable by you alone")


def _in_use(folder: DataFolder) -> Finding:
    if not folder.path.exists() or not os.access(folder.path, os.W_OK):
        return Finding("Running", "ok", "no server uses the folder")
    try:
        with folder.hold():
            return Finding("Running", "ok", "no server uses the folder")
    except DataInUse as error:
        return Finding("Running", "look", str(error))


def _port(settings: Settings) -> Finding:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return Finding("Port", "look", f"{settings.host}:{settings.port}: {error.strerror}; choose one with --port")
    return Finding("Port", "ok", f"{settings.host}:{settings.port} is free")
