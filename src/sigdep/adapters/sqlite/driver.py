"""What every user of SQLite here needs: the driver's errors as ours, and statements over many rows at once."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from typing import Any, Final

from sigdep.kernel.errors import LogDamaged, Unavailable

ROWS_PER_STATEMENT: Final = 64
"""One statement for many rows, not many statements: after each step a thread must wait for its turn at the
interpreter, which a busy event loop may keep for milliseconds."""

_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@contextmanager
def translated_errors(doing: str) -> Iterator[None]:
    """Nothing of the driver leaves this block: its errors become LogDamaged, where the file is broken, or Unavailable.

    Args:
        doing: as in "Writing to the log".
    """
    try:
        yield
    except sqlite3.Error as error:
        raise translated(doing, error) from error


def translated(doing: str, error: sqlite3.Error) -> LogDamaged | Unavailable:
    # Errors of the module itself, such as a closed connection, have no code.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _DAMAGED:
        return LogDamaged(f"{doing} failed: the file is damaged ({error}). Restore it from a backup.")
    if code == sqlite3.SQLITE_FULL:
        return Unavailable(f"{doing} failed: the disk is full. Make room; nothing else needs repair.")
    return Unavailable(f"{doing} failed: {error}.")


def pieces(count: int) -> Iterator[int]:
    """The count as a sum of few different numbers, so that few different statements serve every count."""
    size = ROWS_PER_STATEMENT
    while count:
        while size > count:
            size //= 2
        yield size
        count -= size


@cache
def placeholders(rows: int, columns: int) -> str:
    """`(?,?),(?,?),(?,?)`"""
    row = f"({','.join('?' * columns)})"
    return ",".join([row] * rows)


@cache
def _filled(statement: str, rows: int, columns: int) -> str:
    return statement.format(placeholders(rows, columns))


def write_rows(connection: sqlite3.Connection, statement: str, columns: int, parameters: Sequence[Any]) -> None:
    """Run a statement such as `INSERT INTO t VALUES {}` for rows whose values stand one after another."""
    first = 0
    for rows in pieces(len(parameters) // columns):
        last = first + rows * columns
        connection.execute(_filled(statement, rows, columns), parameters[first:last])
        first = last


def find_rows(
    connection: sqlite3.Connection, statement: str, keys: Sequence[Sequence[Any]]
) -> Iterator[tuple[Any, ...]]:
    """What a statement such as `WITH wanted(a) AS (VALUES {}) SELECT …` finds for the keys."""
    first = 0
    for rows in pieces(len(keys)):
        some = keys[first : first + rows]
        first += rows
        yield from connection.execute(_filled(statement, rows, len(some[0])), tuple(chain.from_iterable(some)))
