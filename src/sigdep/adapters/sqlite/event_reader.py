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
    uuid_of,
)
from sigdep.kernel.store import ChainReport, KeptAnswer

EVENTS_PER_READ: Final = 2_000
"""While a chain is walked, each read ends soon: a long one would keep the write-ahead log from being emptied."""

COLUMNS: Final = """event.partition, event.position, recorded_us, workspace, stream, version, command_id, type,
schema_version, payload, metadata, subject, number"""
# ruff: noqa: S608  These are statements of ours, put together from parts of ours.
_READ_STREAM: Final = f"""
SELECT {COLUMNS} FROM event WHERE stream = ? AND version > ? AND version <= ? ORDER BY version LIMIT ?
"""
_READ_LOG: Final = f"SELECT {COLUMNS} FROM event WHERE id > ? ORDER BY id LIMIT ?"
# Of one partition: what `place` knows, then what it does not know yet.
_READ_PARTITION: Final = f"""
SELECT {COLUMNS}, link FROM place CROSS JOIN event ON event.id = place.id
WHERE place.partition = :partition AND place.position > :after AND place.position <= :until
UNION ALL
SELECT {COLUMNS}, link FROM event
WHERE id > (SELECT id FROM placed) AND partition = :partition AND position > :after AND position <= :until
"""
_READ_LAST_ID: Final = "SELECT coalesce(max(id), 0) FROM event"
_READ_HEADS: Final = "SELECT partition, position FROM head ORDER BY partition"
_READ_HEAD: Final = "SELECT position, link FROM head WHERE partition = ?"
_READ_ANSWER: Final = """
SELECT fingerprint, answer, partition, position FROM answer WHERE caller = ? AND key = ? AND kept_us >= ?
"""

VERSION_MAX: Final = Version(2**31 - 1)
POSITION_MAX: Final = Position(2**63 - 1)


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

    def log(self, after: Positions, limit: int) -> tuple[list[StoredRow], int | None]:
        """The next events of each partition, at one moment; the partitions that are behind share the limit.

        Returns them with the id up to which that is all that the log holds; None: there is more.

        Raises:
            LogDamaged: a position is missing.
        """
        with _snapshot(self._connection) as query:
            heads = dict(query(_READ_HEADS))
            behind = [
                (partition, start, head)
                for partition, head in heads.items()
                if head > (start := after.get(partition, Position(0)))
            ]
            share = max(1, limit // max(1, len(behind)))
            reached = dict(after)
            rows: list[StoredRow] = []
            for partition, start, head in behind[:limit]:
                until = reached[partition] = Position(min(head, start + share))
                found = stored_rows(query(_READ_PARTITION, _range(partition, start, until)))
                _check_no_hole({partition: start}, found, {partition: until})
                rows += found
            # Not so for somebody who claims to be ahead of the log.
            complete = {partition: position for partition, position in reached.items() if position} == heads
            return rows, query(_READ_LAST_ID).fetchone()[0] if complete else None

    def log_behind(self, last_id: int, after: Positions, limit: int) -> tuple[list[StoredRow], int]:
        """The next events in the order of their commits: as quick as reading can be.

        Args:
            last_id: of the event up to which `after` is all that the log holds.

        Returns them with the id of the last one.

        Raises:
            LogDamaged: a position is missing.
        """
        with _snapshot(self._connection) as query:
            rows = stored_rows(query(_READ_LOG, (last_id, limit)))
            _check_no_hole(after, rows, dict(query(_READ_HEADS)) if len(rows) < limit else {})
        return rows, last_id + len(rows)

    def answer(self, caller: UUID, key: str, since_us: int) -> KeptAnswer | None:
        row = self._connection.execute(_READ_ANSWER, (caller.bytes, key, since_us)).fetchone()
        if row is None:
            return None
        fingerprint, answer, partition, position = row
        return KeptAnswer(fingerprint=fingerprint, answer=answer, partition=partition, position=position)

    def snapshot(self, stream: StreamId, schema: str) -> tuple[SubjectId, Version, bytes] | None:
        """Whose it is, at which version, and the sealed state."""
        row = self._connection.execute(
            "SELECT subject, version, state FROM snapshot WHERE stream = ? AND schema = ?", (stream, schema)
        ).fetchone()
        return None if row is None else (SubjectId(uuid_of(row[0])), row[1], row[2])

    def walk_chain(self, partition: Partition) -> ChainReport:
        """Recompute the whole chain of a partition. Takes seconds for each million of events."""
        walk, reached, batch = ChainWalk(partition), 0, list[StoredRow]()
        while True:
            with _snapshot(self._connection) as query:
                head, head_link = query(_READ_HEAD, (partition,)).fetchone() or (0, FIRST_LINK)
                # The last piece takes in whatever stands behind the head, where nothing should.
                until = reached + EVENTS_PER_READ if reached + EVENTS_PER_READ < head else POSITION_MAX
                found = sorted(query(_READ_PARTITION, _range(partition, reached, until)), key=_position)
            for row, (*_, stored_link) in zip(stored_rows(found), found, strict=True):
                batch.append(row)
                if stored_link is not None:
                    walk.take(row.position, stored_link, batch)
                    batch = []
            reached = until
            if until == POSITION_MAX:
                last = found[-1][1] if found else 0
                return walk.finish(Position(head), head_link, Position(last))


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[Callable[..., sqlite3.Cursor]]:
    """All reads in this block see the log as it is at one moment."""
    connection.execute("BEGIN")
    try:
        yield connection.execute
    finally:
        connection.execute("COMMIT")


class _Ids(dict[bytes, UUID]):
    """The ids of one read by their octets: those of neighbours are mostly the same, and each is made once."""

    def __missing__(self, octets: bytes) -> UUID:
        made = self[octets] = uuid_of(octets)
        return made


def stored_rows(found: Iterable[tuple[Any, ...]]) -> list[StoredRow]:
    ids = _Ids()
    return [
        StoredRow(
            partition, position, recorded_us, WorkspaceId(ids[workspace]), stream, version,
            CommandId(ids[command_id]), kind, schema_version, payload, metadata,
            SubjectId(ids[subject]), number,
        )
        for partition, position, recorded_us, workspace, stream, version, command_id, kind, schema_version,
        payload, metadata, subject, number, *_ in found
    ]  # fmt: skip


def _position(found: tuple[Any, ...]) -> int:
    position: int = found[1]
    return position


def _range(partition: Partition, after: int, until: int) -> dict[str, int]:
    return {"partition": partition, "after": after, "until": until}


def _check_no_hole(after: Positions, rows: Iterable[StoredRow], until: Positions) -> None:
    """
    Raises:
        LogDamaged: in some partition the rows are not all that follows `after`, or do not reach `until`.
    """
    reached = dict(after)
    for row in rows:
        expected = reached.get(row.partition, 0) + 1
        if row.position != expected:
            raise _hole(row.partition, expected)
        reached[row.partition] = row.position
    for partition, position in until.items():
        if reached.get(partition, 0) < position:
            raise _hole(partition, reached.get(partition, 0) + 1)


def _hole(partition: Partition, position: int) -> LogDamaged:
    return LogDamaged(f"Partition {partition} has no position {position}: the log has a hole.")
