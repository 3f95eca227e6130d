"""Copies a SQLite database that is in use, as it is at one moment."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

PAGES_A_STEP: Final = 2_000


def copy_database(source: Path, target: Path, on_progress: Callable[[int, int], None]) -> None:
    """Copy `source` into the new file `target`, durably, while others read and write `source`.

    A read transaction is held throughout: the copy is one moment's state, writers are not
    blocked (WAL), and what they write meanwhile does not make the copy start over.

    Args:
        on_progress: called with (pages done, pages in all) after each step.

    Raises:
        FileExistsError: there is a target already.
    """
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    os.close(descriptor)
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, isolation_level=None)) as origin:
        origin.execute("BEGIN")
        origin.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            origin.backup(
                copy,
                pages=PAGES_A_STEP,
                progress=lambda _status, remaining, total: on_progress(total - remaining, total),
            )
            # One file, that may be carried away: no write-ahead log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
    _sync(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
