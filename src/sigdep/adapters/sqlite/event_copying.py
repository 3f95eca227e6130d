"""Copies a log out of a SQLite file and into a new one, as it is stored."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from sigdep.adapters.sqlite.copy_draft import begin_draft, finish_draft, page_by_page, transaction
from sigdep.adapters.sqlite.database import open_to_read, open_to_write
from sigdep.adapters.sqlite.driver import translated_errors
from sigdep.adapters.sqlite.event_reader import COLUMNS, stored_rows
from sigdep.adapters.sqlite.event_schema import EVENT_MIGRATIONS
from sigdep.adapters.sqlite.file_lock import FileLock
from sigdep.kernel.ids import Partition, Position, WorkspaceId, uuid_of
from sigdep.kernel.log_copy import (
    PAGE_ROWS,
    ChainEnd,
    Gathering,
    LinkedBatch,
    Portion,
    StoredAnswer,
    TargetTaken,
    WorkspaceNumber,
)

T = TypeVar("T")

# ruff: noqa: S608  These are statements of ours, put together from parts of ours.
# Of one partition, in order: what `place` knows, then what it does not know yet.
_PLACED: Final = f"""
SELECT {COLUMNS}, link FROM place CROSS JOIN event ON event.id = place.id
WHERE place.partition = ? AND place.position > ? ORDER BY place.position
"""
_NOT_PLACED: Final = f"""
SELECT {COLUMNS}, link FROM event
WHERE id > (SELECT id FROM placed) AND partition = ? AND position > ? ORDER BY id
"""
_LINK_AT: Final = """
SELECT link FROM place CROSS JOIN event ON event.id = place.id WHERE place.partition = :partition
AND place.position = :position
UNION ALL
SELECT link FROM event WHERE id > (SELECT id FROM placed) AND partition = :partition AND position = :position
"""
_NUMBERS: Final = "SELECT workspace, number FROM workspace_number WHERE workspace > ? ORDER BY workspace LIMIT ?"
_ANSWERS: Final = """
SELECT id, caller, key, fingerprint, answer, partition, position, kept_us FROM answer WHERE id > ? ORDER BY id LIMIT ?
"""
_INSERT_EVENT: Final = "INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_MOVE_HEAD: Final = """
INSERT INTO head VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
SET position = excluded.position, recorded_us = excluded.recorded_us, link = excluded.link
"""
_PLACE: Final = """
INSERT INTO place SELECT partition, position, id FROM event WHERE id > (SELECT id FROM placed)
ORDER BY partition, position
"""
_MOVE_PLACED: Final = "UPDATE placed SET id = (SELECT max(id) FROM event)"
_TAKE_NUMBER: Final = """
INSERT INTO workspace_number VALUES (?, ?) ON CONFLICT DO UPDATE SET number = excluded.number
"""
_TAKE_ANSWER: Final = """
INSERT INTO answer (caller, key, fingerprint, answer, partition, position, kept_us) VALUES (?, ?, ?, ?, ?, ?, ?)
"""


class SqliteLogCopy:
    """A LogSource; a LogTarget too, if it has been opened as one."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: FileLock | None) -> None:
        """For `open_source` and `open_target`."""
        self._path = path
        self._connection = connection
        self._lock = lock

    @classmethod
    async def open_source(cls, path: Path) -> "SqliteLogCopy":
        """
        Raises:
            TooNew, LogDamaged, Unavailable: the file is not there, or cannot be used.
        """
        return cls(path, await asyncio.to_thread(open_to_read, path, EVENT_MIGRATIONS), None)

    @classmethod
    async def open_target(cls, path: Path) -> "SqliteLogCopy":
        """Open the file, made anew where there is none.

        Raises:
            InUse: a process has it open for writing.
            TooNew, LogDamaged, Unavailable: it cannot be used.
        """
        lock = FileLock(path)
        try:
            return cls(path, await asyncio.to_thread(open_to_write, path, EVENT_MIGRATIONS, draft=True), lock)
        except BaseException:
            lock.release()
            raise

    async def ends(self) -> Mapping[Partition, ChainEnd]:
        rows = await self._find("SELECT partition, position, recorded_us, link FROM head ORDER BY partition")
        return {partition: ChainEnd(*rest) for partition, *rest in rows}

    async def link_at(self, partition: Partition, position: Position) -> bytes | None:
        rows = await self._find(_LINK_AT, {"partition": partition, "position": position})
        return rows[0][0] if rows else None

    async def portions(self, partition: Partition, after: Position) -> AsyncIterator[Portion]:
        portions = self._portions(partition, after)
        while portion := await asyncio.to_thread(next, portions, None):
            yield portion

    def _portions(self, partition: Partition, after: Position) -> Iterator[Portion]:
        gathering = Gathering()
        with translated_errors(f"Reading {self._path}"):
            for statement in (_PLACED, _NOT_PLACED):
                for found in self._connection.execute(statement, (partition, after)):
                    [row] = stored_rows([found])
                    if portion := gathering.add(row, found[-1]):
                        yield portion
        if rest := gathering.finish():
            yield rest

    async def numbers(self) -> AsyncIterator[Sequence[WorkspaceNumber]]:
        async for rows in page_by_page(lambda last: self._find(_NUMBERS, (last, PAGE_ROWS)), b""):
            yield [WorkspaceNumber(WorkspaceId(uuid_of(workspace)), number) for workspace, number in rows]

    async def answers(self) -> AsyncIterator[Sequence[StoredAnswer]]:
        async for rows in page_by_page(lambda last: self._find(_ANSWERS, (last, PAGE_ROWS)), 0):
            yield [StoredAnswer(uuid_of(caller), *rest) for _, caller, *rest in rows]

    async def begin(self) -> bool:
        return await self._change(lambda: begin_draft(self._connection, "head"))

    async def take(self, portion: Portion) -> None:
        await self._change(lambda: self._take(portion))

    def _take(self, portion: Portion) -> None:
        first, last = portion[0].rows[0], portion[-1].last
        head = self._connection.execute("SELECT position FROM head WHERE partition = ?", (first.partition,)).fetchone()
        if (head or (0,))[0] != first.position - 1:
            raise TargetTaken(f"Somebody else writes {self._path}. Copy to a new place.")
        last_id = self._connection.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
        self._connection.executemany(_INSERT_EVENT, _event_values(portion, last_id + 1))
        end = (last.partition, last.position, last.recorded_us, portion[-1].link)
        self._connection.execute(_MOVE_HEAD, end)
        self._connection.execute(_PLACE)
        self._connection.execute(_MOVE_PLACED)

    async def take_numbers(self, numbers: Sequence[WorkspaceNumber]) -> None:
        values = [(number.workspace.bytes, number.number) for number in numbers]
        await self._change(lambda: self._connection.executemany(_TAKE_NUMBER, values))

    async def forget_answers(self) -> None:
        await self._change(lambda: self._connection.execute("DELETE FROM answer"))

    async def take_answers(self, answers: Sequence[StoredAnswer]) -> None:
        values = [
            (one.caller.bytes, one.key, one.fingerprint, one.answer, one.partition, one.position, one.kept_us)
            for one in answers
        ]
        await self._change(lambda: self._connection.executemany(_TAKE_ANSWER, values))

    async def finish(self) -> None:
        await self._change(lambda: finish_draft(self._connection))

    async def close(self) -> None:
        await asyncio.to_thread(self._connection.close)
        if self._lock is not None:
            self._lock.release()

    async def _find(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        def find() -> list[tuple[Any, ...]]:
            with translated_errors(f"Reading {self._path}"):
                return self._connection.execute(statement, values).fetchall()

        return await asyncio.to_thread(find)

    async def _change(self, change: Callable[[], T]) -> T:
        return await asyncio.to_thread(transaction, self._connection, f"Writing {self._path}", change)


def _event_values(portion: Sequence[LinkedBatch], first_id: int) -> Iterator[tuple[Any, ...]]:
    """In the order of the table's columns."""
    event_id = first_id
    for batch in portion:
        for row in batch.rows:
            yield (
                event_id, row.partition, row.position, row.recorded_us, row.workspace.bytes, row.stream, row.version,
                row.command_id.bytes, row.type, row.schema_version, row.payload, row.metadata, row.subject.bytes,
                row.number, batch.link if row is batch.rows[-1] else None,
            )  # fmt: skip
            event_id += 1
