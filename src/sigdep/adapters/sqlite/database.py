"""Opens files of SQLite: durable, in a known schema, and with nothing of the driver's errors showing."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sigdep.adapters.sqlite.driver import translated_errors
from sigdep.kernel.errors import Unavailable

CACHE_KIBIBYTES: Final = 16_384
WAL_PAGES: Final = 4_000
"""Of 4 KiB, written before they are copied into the main file. Fewer: pages that change often are copied too often."""
WAL_BYTES_KEPT: Final = 67_108_864
STATEMENTS_CACHED: Final = 256
BUSY_SECONDS: Final = 5.0

DRAFT: Final = 0x53444452
"""The application id of a file that something is being copied into ("SDDR"). It stands in the file's header."""


class TooNew(Unavailable):
    """The file was written by a later release."""


def open_to_write(path: Path, migrations: Sequence[str], *, draft: bool = False) -> sqlite3.Connection:
    """A connection to the file, created or brought to the present schema where need be.

    Args:
        migrations: each takes the file from the schema before it to the next; `PRAGMA user_version` counts them.
        draft: open it also while it is a draft.

    Raises:
        TooNew: a later release wrote it.
        LogDamaged: it is no database.
        Unavailable: it cannot be opened, or is a draft.
    """
    with translated_errors(f"Opening {path}"):
        connection = _connect(f"{path.absolute().as_uri()}?mode=rwc")
        try:
            if not draft:
                _check_whole(connection, path)
            connection.execute("PRAGMA journal_mode=WAL")
            # Not NORMAL: what has been acknowledged must survive a power cut.
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit={WAL_BYTES_KEPT}")
            for version in range(_schema_version(connection, path, len(migrations)), len(migrations)):
                connection.executescript(
                    f"BEGIN IMMEDIATE; {migrations[version]}; PRAGMA user_version={version + 1}; COMMIT"
                )
        except BaseException:
            connection.close()
            raise
        return connection


def open_to_read(path: Path, migrations: Sequence[str]) -> sqlite3.Connection:
    """A connection that cannot write.

    Raises:
        TooNew: a later release wrote it.
        LogDamaged: it is no database.
        Unavailable: it is not there, cannot be opened, is a draft, or has not been brought to the present schema.
    """
    with translated_errors(f"Opening {path}"):
        connection = _connect(f"{path.absolute().as_uri()}?mode=ro")
        try:
            _check_whole(connection, path)
            if _schema_version(connection, path, len(migrations)) < len(migrations):
                raise Unavailable(f"{path} has an older schema: start SigDep on it once, which brings it up to date.")
        except BaseException:
            connection.close()
            raise
        return connection


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS_CACHED,
        timeout=BUSY_SECONDS,
    )
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIBIBYTES}")
    return connection


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] == DRAFT:
        raise Unavailable(f"{path} is a copy that has been interrupted. Run the same `sigdep migrate` to its end.")


def _schema_version(connection: sqlite3.Connection, path: Path, known: int) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > known:
        raise TooNew(
            f"{path} was written by a later release of SigDep (its schema is {found}, this release knows {known}). "
            "Install that release, or restore a backup that this one made."
        )
    return found
