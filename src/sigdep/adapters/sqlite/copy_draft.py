"""What a SQLite file is while something is being copied into it: a draft, marked in its header."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sigdep.adapters.sqlite.database import DRAFT
from sigdep.adapters.sqlite.driver import translated_errors
from sigdep.kernel.log_copy import PAGE_ROWS

T = TypeVar("T")


def transaction(connection: sqlite3.Connection, doing: str, change: Callable[[], T]) -> T:
    """Make the change whole and durable, or not at all."""
    with translated_errors(doing):
        connection.execute("BEGIN IMMEDIATE")
        try:
            changed = change()
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite itself rolls back on some errors.
                connection.execute("ROLLBACK")
            raise
        return changed


def begin_draft(connection: sqlite3.Connection, table: str) -> bool:
    """Mark the file if the table is empty. False: it is not, and the file has no mark."""
    if connection.execute("PRAGMA application_id").fetchone()[0] == DRAFT:
        return True
    if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608  A table of ours.
        return False
    connection.execute(f"PRAGMA application_id={DRAFT}")
    return True


def finish_draft(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA application_id=0")


async def page_by_page(
    read: Callable[[Any], Awaitable[Sequence[tuple[Any, ...]]]], before_first: Any
) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
    """The pages that `read` gives for the first value of the last row before. The last one is not full."""
    last = before_first
    while rows := await read(last):
        yield rows
        if len(rows) < PAGE_ROWS:
            return
        last = rows[-1][0]
