"""Copies a key ring out of a SQLite file and into a new one, as it is stored."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from sigdep.adapters.sqlite.copy_draft import begin_draft, finish_draft, page_by_page, transaction
from sigdep.adapters.sqlite.database import open_to_read, open_to_write
from sigdep.adapters.sqlite.driver import find_rows, translated_errors
from sigdep.adapters.sqlite.key_ring import KEY_MIGRATIONS
from sigdep.kernel.ids import SubjectId, uuid_of
from sigdep.kernel.log_copy import PAGE_ROWS, TargetTaken, WrappedKey, settle

T = TypeVar("T")

_PAGE: Final = "SELECT subject, wrapped, changed_us FROM subject_key WHERE subject > ? ORDER BY subject LIMIT ?"
_PRESENT: Final = """
WITH wanted (subject) AS (VALUES {})
SELECT subject, wrapped FROM wanted CROSS JOIN subject_key USING (subject)
"""
_TAKE: Final = """
INSERT INTO subject_key VALUES (?, ?, ?) ON CONFLICT DO UPDATE
SET wrapped = excluded.wrapped, changed_us = excluded.changed_us
"""


class SqliteKeyCopy:
    """A KeySource; a KeyTarget too, if it has been opened as one."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """For `open_source` and `open_target`."""
        self._path = path
        self._connection = connection

    @classmethod
    async def open_source(cls, path: Path) -> "SqliteKeyCopy":
        """
        Raises:
            TooNew, LogDamaged, Unavailable: the file is not there, or cannot be used.
        """
        return cls(path, await asyncio.to_thread(open_to_read, path, KEY_MIGRATIONS))

    @classmethod
    async def open_target(cls, path: Path) -> "SqliteKeyCopy":
        """Open the file, made anew where there is none, for its user alone.

        Raises:
            TooNew, LogDamaged, Unavailable: it cannot be used.
        """
        return cls(path, await asyncio.to_thread(_open_target, path))

    async def proof(self) -> bytes | None:
        rows = await self._run(lambda: self._connection.execute("SELECT sealed FROM proof").fetchall())
        return rows[0][0] if rows else None

    async def keys(self) -> AsyncIterator[Sequence[WrappedKey]]:
        async for rows in page_by_page(self._page, b""):
            yield [
                WrappedKey(SubjectId(uuid_of(subject)), wrapped, changed_us) for subject, wrapped, changed_us in rows
            ]

    async def begin(self) -> bool:
        return await self._change(lambda: begin_draft(self._connection, "subject_key"))

    async def take_proof(self, proof: bytes) -> None:
        there = await self.proof()
        if there not in (None, proof):
            raise TargetTaken(f"{self._path} has been made with other secrets. Copy to a new place.")
        await self._change(
            lambda: self._connection.execute("INSERT INTO proof VALUES (1, ?) ON CONFLICT DO NOTHING", (proof,))
        )

    async def take(self, keys: Sequence[WrappedKey]) -> None:
        await self._change(lambda: self._take(keys))

    def _take(self, keys: Sequence[WrappedKey]) -> None:
        found = find_rows(self._connection, _PRESENT, [(key.subject.bytes,) for key in keys])
        changes = settle(keys, {SubjectId(uuid_of(subject)): wrapped for subject, wrapped in found})
        values = [(key.subject.bytes, key.wrapped, key.changed_us) for key in changes]
        self._connection.executemany(_TAKE, values)

    async def finish(self) -> None:
        await self._change(lambda: finish_draft(self._connection))
        await self._run(lambda: self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())

    async def close(self) -> None:
        await asyncio.to_thread(self._connection.close)

    async def _page(self, after: bytes) -> list[tuple[Any, ...]]:
        return await self._run(lambda: self._connection.execute(_PAGE, (after, PAGE_ROWS)).fetchall())

    async def _run(self, work: Callable[[], T]) -> T:
        def run() -> T:
            with translated_errors(f"Reading {self._path}"):
                return work()

        return await asyncio.to_thread(run)

    async def _change(self, change: Callable[[], T]) -> T:
        return await asyncio.to_thread(transaction, self._connection, f"Writing {self._path}", change)


def _open_target(path: Path) -> sqlite3.Connection:
    with translated_errors(f"Opening {path}"):
        if not path.exists():
            path.touch(mode=0o600)
        connection = open_to_write(path, KEY_MIGRATIONS, draft=True)
        # What is overwritten is overwritten with zeros, not just forgotten.
        connection.execute("PRAGMA secure_delete=ON")
        return connection
