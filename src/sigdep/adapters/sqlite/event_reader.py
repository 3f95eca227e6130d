"""Reads the log through a connection of its own, which never waits for the one that writes."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sigdep.adapters.sqlite.database import open_to_read
from sigdep.adapters.sqlite.event_schema import EVENT_MIGRATIONS
from sigdep.kernel.chain import FIRST_LINK, ChainWalk, StoredRow
from sigdep.kernel.errors import LogDamaged
from sigdep.kernel.ids import (
    CommandId,
    Partition,
    Position,
    Positions,
    StreamId,
    SubjectId,
    Version,
    WorkspaceId,
)
from sigdep.kernel.store import ChainReport, KeptAnswer

EVENTS_PER_READ: Final = 2_000
"""While a chain is walked, each read ends soon: a long one would keep the write-ahead log from being emptied."""

_READ_EVENTS: Final = """
SELECT partition, position, recorded_us, workspace, stream, version, command_id, type, schema_version, payload,
    metadata, subject, number
FROM event
"""
_READ_STREAM: Final = _READ_EVENTS + "WHERE stream = ? AND version > ? AND version <= ? ORDER BY version LIMIT ?"
_READ_PARTITION: Final = _READ_EVENTS + "WHERE partition = ? AND position > ? AND position <= ? ORDER BY position"
_READ_HEADS: Final = "SELECT partition, position FROM head ORDER BY partition"
_READ_ANSWER: Final = """
SELECT fingerprint, answer, partition, position FROM answer WHERE caller = ? AND key = ?
"""

_READ_CHAIN: Final = """
SELECT partition, position, recorded_us, workspace, stream, version, command_id, type, schema_version, payload,
    metadata, subject, number, link
FROM event WHERE partition = ? AND position > ? ORDER BY position LIMIT ?
"""
_READ_HEAD: Final = "SELECT position, link FROM head WHERE partition = ?"

VERSION_MAX: Final = Version(2**31 - 1)


class EventReader:
    """The questions that the store asks the log. They raise what the driver raises, and block as long as the disk."""

    def __init__(self, path: Path) -> None:
        self._connection = open_to_read(path, EVENT_MIGRATIONS)

    def close(self) -> None:
        self._connection.close()

    def stream(self, stream: StreamId, after: Version, until: Version, limit: int) -> list[StoredRow]:
        """
        Raises:
            LogDamaged: a version is missing.
        """
        rows = stored_rows(self._connection.execute(_READ_STREAM, (stream, after, until, limit)))
        for version, row in enumerate(rows, after + 1):
            if row.version != version:
                raise LogDamaged(f"{stream} has no version {version}: the log has a hole.")
        return rows

    def heads(self) -> dict[Partition, Position]:
        return dict(self._connection.execute(_READ_HEADS))

    def log(self, after: Positions, limit: int) -> list[StoredRow]:
        """The next events of each partition, at one moment; the partitions that are behind share the limit.

        Raises:
            LogDamaged: a position is missing.
        """
        with _snapshot(self._connection) as query:
            behind = [
                (partition, start, head)
                for partition, head in query(_READ_HEADS)
                if head > (start := after.get(partition, Position(0)))
            ]
            share = max(1, limit // max(1, len(behind)))
            rows: list[StoredRow] = []
            for partition, start, head in behind[:limit]:
                rows += self._partition(partition, start, min(head, start + share))
        return rows

    def _partition(self, partition: Partition, after: int, until: int) -> list[StoredRow]:
        found = stored_rows(self._connection.execute(_READ_PARTITION, (partition, after, until)))
        for position, row in enumerate(found, after + 1):
            if row.position != position:
                raise _hole(partition, position)
        if len(found) < until - after:
            raise _hole(partition, after + len(found) + 1)
        return found

    def answer(self, caller: UUID, key: str) -> KeptAnswer | None:
        row = self._connection.execute(_READ_ANSWER, (caller.bytes, key)).fetchone()
        if row is None:
            return None
        fingerprint, answer, partition, position = row
        return KeptAnswer(fingerprint=fingerprint, answer=answer, partition=partition, position=position)

    def snapshot(self, stream: StreamId, schema: str) -> tuple[SubjectId, Version, bytes] | None:
        """Whose it is, at which version, and the sealed state."""
        row = self._connection.execute(
            "SELECT subject, version, state FROM snapshot WHERE stream = ? AND schema = ?", (stream, schema)
        ).fetchone()
        return None if row is None else (SubjectId(UUID(bytes=row[0])), row[1], row[2])

    def walk_chain(self, partition: Partition) -> ChainReport:
        """Recompute the whole chain of a partition. Takes seconds for each million of events."""
        walk, reached, batch = ChainWalk(partition), 0, list[StoredRow]()
        while True:
            with _snapshot(self._connection) as query:
                found = query(_READ_CHAIN, (partition, reached, EVENTS_PER_READ)).fetchall()
                head, head_link = query(_READ_HEAD, (partition,)).fetchone() or (0, FIRST_LINK)
            for row, (*_, stored_link) in zip(stored_rows(values[:-1] for values in found), found, strict=True):
                batch.append(row)
                reached = row.position
                if stored_link is not None:
                    walk.take(row.position, stored_link, batch)
                    batch = []
            if len(found) < EVENTS_PER_READ:
                return walk.finish(Position(head), head_link, Position(reached))


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[Callable[..., sqlite3.Cursor]]:
    """All reads in this block see the log as it is at one moment."""
    connection.execute("BEGIN")
    try:
        yield connection.execute
    finally:
        connection.execute("COMMIT")


def stored_rows(found: Iterable[tuple[Any, ...]]) -> list[StoredRow]:
    return [
        StoredRow(
            partition, position, recorded_us, WorkspaceId(uuid_from(workspace)), stream, version,
            CommandId(uuid_from(command_id)), kind, schema_version, payload, metadata,
            SubjectId(uuid_from(subject)), number,
        )
        for partition, position, recorded_us, workspace, stream, version, command_id, kind, schema_version,
        payload, metadata, subject, number in found
    ]  # fmt: skip


def uuid_from(stored: bytes) -> UUID:
    return UUID(bytes=stored)


def _hole(partition: Partition, position: int) -> LogDamaged:
    return LogDamaged(f"Partition {partition} has no position {position}: the log has a hole.")
