"""Decides a batch of appends and writes those that are accepted, in one SQLite transaction."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, Final

from sigdep.adapters.sqlite.driver import write_rows
from sigdep.adapters.sqlite.event_memory import Change, EventMemory, Head, Place
from sigdep.adapters.sqlite.log_end import Commit
from sigdep.kernel.chain import link, place
from sigdep.kernel.codec import StoredEvent, instant
from sigdep.kernel.errors import SigdepError, WrongExpectedVersion
from sigdep.kernel.ids import NO_STREAM, Partition, Position, Positions, StreamId, Version, partition_of
from sigdep.kernel.store import ANSWERS_KEPT_US, AlreadyAnswered, AnswerKey, Append, Appended, KeptAnswer, Snapshot

ANSWERS_CLEARED_FOR_EACH_KEPT: Final = 2
"""More than one, so that a backlog melts. Nothing else ever clears: with no new answer there is no growth."""

# A failed row costs the whole transaction, which is started over anyway. So that SQLite need not be able to undo a
# statement alone: for that it copies every page before it changes it, a fifth of the time of an insert.
_INSERT_EVENTS: Final = "INSERT OR ROLLBACK INTO event VALUES {}"
_INSERT_PLACES: Final = "INSERT INTO place VALUES {}"
_MOVE_PLACED: Final = "UPDATE placed SET id = ?"
_MOVE_HEADS: Final = """
INSERT INTO head VALUES {} ON CONFLICT DO UPDATE
SET position = excluded.position, recorded_us = excluded.recorded_us, link = excluded.link
"""
_MOVE_NUMBERS: Final = """
INSERT INTO workspace_number VALUES {} ON CONFLICT DO UPDATE SET number = excluded.number
"""
# One that is too old and has not been cleared yet gives way.
_INSERT_ANSWERS: Final = """
INSERT OR REPLACE INTO answer (caller, key, fingerprint, answer, partition, position, kept_us) VALUES {}
"""
# Rows are in the order of their age, so the oldest are found without an index of their own.
_CLEAR_ANSWERS: Final = """
DELETE FROM answer WHERE kept_us < ? AND id IN (SELECT id FROM answer ORDER BY id LIMIT ?)
"""
_SAVE_SNAPSHOT: Final = """
INSERT INTO snapshot (stream, subject, version, schema, state) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    subject = excluded.subject, version = excluded.version, schema = excluded.schema, state = excluded.state
WHERE excluded.version >= snapshot.version
"""

UNPLACED_MAX: Final = 256
"""Events that a reader may have to look through because `place` does not know them yet."""

Row = tuple[Any, ...]
"""The values of an event, in the order of its table's columns."""


@dataclass(slots=True)
class _Segment:
    """What the transaction adds to one partition."""

    before: Head
    position: int
    recorded_us: int
    recorded_at: datetime
    places: list[bytes] = field(default_factory=list)
    last_row: int = 0
    """Which of the transaction's rows is the segment's last."""


class MisplacedTrust(Exception):
    """The transaction cannot go on without looking whether streams are really new."""


class Transaction:
    """Between BEGIN and COMMIT, which are the caller's, as is rolling back when anything is raised."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        memory: EventMemory,
        batch: Sequence[Change],
        now_us: int,
        *,
        trusting: bool,
    ) -> None:
        self._connection = connection
        self._memory = memory
        self._now_us = now_us
        self._trusting = trusting
        self._accepted: list[Append] = []
        self._rows: list[Row] = []
        self._unplaced: list[tuple[int, int, int]] = []
        self._segments: dict[Partition, _Segment] = {}
        self._kept: list[Row] = []
        self._heads: dict[Partition, Head] = {}
        appends = [append for append, _ in batch]
        self._versions = memory.find_versions(appends, trusting=trusting)
        self._numbers = memory.find_numbers(batch)
        self._answers_since_us = now_us - ANSWERS_KEPT_US
        self._answers = memory.find_answers(appends, self._answers_since_us)

    def decide(self, append: Append, events: Sequence[StoredEvent]) -> Appended | SigdepError:
        """What becomes of one append, in the order that the port promises.

        Raises:
            MisplacedTrust: it is to be refused, but may be a repeat of one whose streams have been trusted to be new.
        """
        mismatch = self._mismatch(append)
        kept = None if append.answer is None else self._answers.get((append.answer.caller, append.answer.key))
        if mismatch is None and kept is None:
            return self._accept(append, events)
        if self._trusting and any(self._versions[write.stream] == NO_STREAM for write in append.writes):
            raise MisplacedTrust
        repeated = self._stored_before(append)
        if repeated is not None:
            return repeated
        if kept is not None:
            return AlreadyAnswered(kept)
        assert mismatch is not None
        return mismatch

    def save_snapshot(self, snapshot: Snapshot, sealed: bytes) -> None:
        values = (snapshot.stream, snapshot.subject.bytes, snapshot.version, snapshot.schema, sealed)
        self._connection.execute(_SAVE_SNAPSHOT, values)

    def write(self) -> None:
        """Write all that has been accepted.

        Raises:
            sqlite3.IntegrityError: a stream exists that had been trusted not to.
        """
        for partition, segment in self._segments.items():
            if segment.places:
                last_link = link(segment.before.link, segment.recorded_us, segment.places)
                self._rows[segment.last_row] = (*self._rows[segment.last_row][:-1], last_link)
                self._heads[partition] = Head(segment.position, segment.recorded_us, last_link)
        heads = [(number, head.position, head.recorded_us, head.link) for number, head in self._heads.items()]
        numbers = [
            (workspace.bytes, number)
            for workspace, number in self._numbers.items()
            if number != self._memory.number(workspace)
        ]
        self._write(_INSERT_EVENTS, self._rows)
        self._write_places()
        self._write(_MOVE_HEADS, heads)
        self._write(_MOVE_NUMBERS, numbers)
        if self._kept:
            cleared = len(self._kept) * ANSWERS_CLEARED_FOR_EACH_KEPT
            self._connection.execute(_CLEAR_ANSWERS, (self._answers_since_us, cleared))
            self._write(_INSERT_ANSWERS, self._kept)

    def committed(self, before: Positions) -> Commit:
        """Remember what is in the log now.

        Args:
            before: where the log ended.
        """
        self._memory.remember(self._heads, self._versions, self._numbers)
        self._memory.last_id += len(self._rows)
        self._memory.unplaced = self._unplaced
        moved = {partition: Position(head.position) for partition, head in self._heads.items()}
        return Commit(self._accepted, self._rows, before, {**before, **moved})

    def _mismatch(self, append: Append) -> WrongExpectedVersion | None:
        for write in append.writes:
            actual = self._versions[write.stream]
            if actual != write.expected_version:
                return WrongExpectedVersion(write.stream, write.expected_version, Version(actual))
        for stream, expected in append.unchanged.items():
            actual = self._versions[stream]
            if actual != expected:
                return WrongExpectedVersion(stream, expected, Version(actual))
        return None

    def _stored_before(self, append: Append) -> Appended | None:
        """The first answer, if every event of the append stands at its place."""
        found: list[Place] = []
        for write in append.writes:
            first, last = write.expected_version, write.expected_version + len(write.events)
            if self._versions[write.stream] < last:
                return None
            found += self._places(write.stream, first, last)
        command_id = append.command_id.bytes
        if not found or any(stored_by != command_id for stored_by, *_ in found):
            return None
        _, position, recorded_us, _ = found[-1]
        return Appended(
            partition=partition_of(append.workspace),
            position=Position(position),
            recorded_at=instant(recorded_us),
            numbers=tuple(number for *_, number in found if number is not None),
            repeated=True,
        )

    def _places(self, stream: StreamId, after: int, until: int) -> list[Place]:
        """Of events in the log; or accepted by this very transaction, which has not written them yet."""
        stored = self._memory.find_places(stream, after, until)
        new = [(row[7], row[2], row[3], row[13]) for row in self._rows if row[5] == stream and after < row[6] <= until]
        return stored + new

    def _accept(self, append: Append, events: Sequence[StoredEvent]) -> Appended:
        workspace, command_id = append.workspace.bytes, append.command_id.bytes
        partition = partition_of(append.workspace)
        segment = self._segments.get(partition) or self._begin_segment(partition)
        position, recorded_us = segment.position, segment.recorded_us
        places, rows, first_id = segment.places, self._rows, self._memory.last_id + 1
        numbers: tuple[int, ...] = ()
        stream, version, subject = None, 0, b""
        for event in events:
            if event.stream != stream:
                stream, subject = event.stream, event.subject.bytes
                version = self._versions[stream]
            position += 1
            version += 1
            number = None
            if event.numbered:
                number = self._numbers[append.workspace] = self._numbers[append.workspace] + 1
                numbers = (*numbers, number)
            places.append(place(event.digest, position, version, number))
            self._versions[stream] = version
            rows.append((
                first_id + len(rows), partition, position, recorded_us, workspace, stream, version, command_id,
                event.type, event.schema_version, event.payload, event.metadata, subject, number, None,
            ))  # fmt: skip
        self._accepted.append(append)
        segment.position, segment.last_row = position, len(rows) - 1
        if append.answer is not None:
            self._keep(append.answer, partition, position)
        return Appended(
            partition=partition,
            position=Position(position),
            recorded_at=segment.recorded_at,
            numbers=numbers,
        )

    def _begin_segment(self, partition: Partition) -> _Segment:
        before = self._memory.head(partition)
        recorded_us = max(self._now_us, before.recorded_us)  # The clock may have been put back.
        segment = _Segment(before, before.position, recorded_us, instant(recorded_us))
        self._segments[partition] = segment
        return segment

    def _keep(self, answer: AnswerKey, partition: Partition, position: int) -> None:
        self._answers[answer.caller, answer.key] = KeptAnswer(
            fingerprint=answer.fingerprint, answer=answer.answer, partition=partition, position=Position(position)
        )
        caller = answer.caller.bytes
        self._kept.append((
            caller, answer.key, answer.fingerprint, answer.answer, partition, position, self._now_us
        ))  # fmt: skip

    def _write_places(self) -> None:
        unplaced = self._memory.unplaced + [(row[1], row[2], row[0]) for row in self._rows]
        if len(unplaced) >= UNPLACED_MAX:
            unplaced.sort()
            self._write(_INSERT_PLACES, unplaced)
            self._connection.execute(_MOVE_PLACED, (self._memory.last_id + len(self._rows),))
            unplaced = []
        self._unplaced = unplaced

    def _write(self, statement: str, rows: Sequence[Row]) -> None:
        if rows:
            write_rows(self._connection, statement, len(rows[0]), list(chain.from_iterable(rows)))
