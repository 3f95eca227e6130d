"""Copies a SQLite database that is in use, as it is at one moment."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from sigdep.adapters.sqlite.driver import translated_errors
from sigdep.kernel.errors import LogDamaged

PAGES_A_STEP: Final = 2_000


def copy_database(source: Path, target: Path, on_progress: Callable[[int, int], None]) -> None:
    """Copy `source` into the new file `target`, durably, while others read and write `source`.

    A read transaction is held throughout: the copy is one moment's state, writers are not
    blocked (WAL), and what they write meanwhile does not make the copy start over.

    Args:
        on_progress: called with (pages done, pages in all) after each step.

    Raises:
        FileExistsError: there is a target already.
        LogDamaged: the source is no database, or an empty one.
        Unavailable: it cannot be read, or the copy not be written, as where the disk is full.
    """
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    os.close(descriptor)
    with translated_errors(f"Copying {source}"):
        _copy(source, target, on_progress)
    _sync(target)
    _sync(target.parent)


def _copy(source: Path, target: Path, on_progress: Callable[[int, int], None]) -> None:
    uri = f"{source.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as origin,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        origin.execute("BEGIN")
        if origin.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
            raise LogDamaged(f"{source} is empty: it is not what it should be, and is not copied.")
        origin.backup(
            copy,
            pages=PAGES_A_STEP,
            progress=lambda _status, remaining, total: on_progress(total - remaining, total),
        )
        # One file, that may be carried away: no write-ahead log beside it.
        copy.execute("PRAGMA journal_mode = DELETE")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
