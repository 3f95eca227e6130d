"""Decides a batch of appends and stores those that are accepted, in one SQLite transaction."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sigdep.adapters.sqlite.driver import find_rows, write_rows
from sigdep.kernel.chain import FIRST_LINK, link, place
from sigdep.kernel.codec import StoredEvent, instant
from sigdep.kernel.errors import SigdepError, WrongExpectedVersion
from sigdep.kernel.ids import NO_STREAM, Partition, Position, StreamId, Version, WorkspaceId, partition_of
from sigdep.kernel.store import ANSWERS_KEPT_HOURS, AlreadyAnswered, Append, Appended, KeptAnswer

VERSIONS_REMEMBERED: Final = 100_000
NUMBERS_REMEMBERED: Final = 20_000

ANSWERS_CLEARED_FOR_EACH_KEPT: Final = 2
"""More than one, so that a backlog melts. Nothing else ever clears: with no new answer there is no growth."""

_EVENT_COLUMNS: Final = 13
_INSERT_EVENTS: Final = "INSERT INTO event VALUES {}"
_INSERT_LINKS: Final = "INSERT INTO link VALUES {}"
_MOVE_HEADS: Final = """
INSERT INTO head VALUES {} ON CONFLICT DO UPDATE
SET position = excluded.position, recorded_us = excluded.recorded_us, hash = excluded.hash
"""
_MOVE_NUMBERS: Final = """
INSERT INTO workspace_number VALUES {} ON CONFLICT DO UPDATE SET number = excluded.number
"""
_INSERT_ANSWERS: Final = """
INSERT INTO answer (caller, key, fingerprint, answer, partition, position, kept_us) VALUES {}
"""
# Rows are in the order of their age, so the oldest are found without an index of their own.
_CLEAR_ANSWERS: Final = """
DELETE FROM answer WHERE kept_us < ? AND id IN (SELECT id FROM answer ORDER BY id LIMIT ?)
"""
_FIND_VERSIONS: Final = """
WITH wanted (stream) AS (VALUES {}),
found (stream, version) AS (
    SELECT stream, (SELECT version FROM event WHERE event.stream = wanted.stream ORDER BY version DESC LIMIT 1)
    FROM wanted
)
SELECT stream, version FROM found WHERE version IS NOT NULL
"""
_FIND_NUMBERS: Final = """
WITH wanted (workspace) AS (VALUES {})
SELECT workspace, number FROM wanted CROSS JOIN workspace_number USING (workspace)
"""
_FIND_ANSWERS: Final = """
WITH wanted (caller, key) AS (VALUES {})
SELECT caller, key, fingerprint, answer, partition, position FROM wanted CROSS JOIN answer USING (caller, key)
"""
_FIND_PLACES: Final = """
SELECT command_id, position, recorded_us, number FROM event
WHERE stream = ? AND version > ? AND version <= ? ORDER BY version
"""

Change = tuple[Append, Sequence[StoredEvent]]
"""An append with its events sealed."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a partition ends."""

    position: int = 0
    recorded_us: int = 0
    hash: bytes = FIRST_LINK


@dataclass(slots=True)
class Remembered:
    """What is in the log, as far as the next transaction is likely to ask. True because nobody else may write."""

    heads: dict[Partition, Head]
    versions: dict[StreamId, int] = field(default_factory=dict)
    numbers: dict[WorkspaceId, int] = field(default_factory=dict)

    @classmethod
    def from_log(cls, connection: sqlite3.Connection) -> "Remembered":
        rows = connection.execute("SELECT partition, position, recorded_us, hash FROM head")
        return cls({partition: Head(*place) for partition, *place in rows})

    def add(self, committed: "Transaction") -> None:
        self.heads.update(committed.heads)
        _add(self.versions, committed.versions, VERSIONS_REMEMBERED)
        _add(self.numbers, committed.numbers, NUMBERS_REMEMBERED)


def _add(remembered: dict[Any, int], new: dict[Any, int], limit: int) -> None:
    remembered.update(new)
    if len(remembered) > limit:
        for oldest in list(islice(remembered, limit // 2)):
            del remembered[oldest]


@dataclass(slots=True)
class _Segment:
    """What the transaction adds to one partition."""

    before: Head
    position: int
    recorded_us: int
    recorded_at: datetime
    places: list[bytes] = field(default_factory=list)


class Transaction:
    """Between BEGIN and COMMIT, which are the caller's."""

    def __init__(
        self, connection: sqlite3.Connection, remembered: Remembered, batch: Sequence[Change], now_us: int
    ) -> None:
        self._connection = connection
        self._remembered = remembered
        self._now_us = now_us
        self._rows: list[Any] = []
        """The values of the events that are not inserted yet, one row after another."""
        self._kept: list[Any] = []
        self._segments: dict[Partition, _Segment] = {}
        self.heads: dict[Partition, Head] = {}
        appends = [append for append, _ in batch]
        self.versions = self._find_versions(appends)
        self.numbers = self._find_numbers(batch)
        self._answers = self._find_answers(appends)

    def decide(self, append: Append, events: Sequence[StoredEvent]) -> Appended | SigdepError:
        """What becomes of one append, in the order that the port promises."""
        mismatch = self._mismatch(append)
        if mismatch is not None:
            repeated = self._stored_before(append)
            if repeated is not None:
                return repeated
        if append.answer is not None:
            kept = self._answers.get((append.answer.caller, append.answer.key))
            if kept is not None:
                return AlreadyAnswered(kept)
        return mismatch or self._accept(append, events)

    def finish(self) -> None:
        """Write what is still to be written."""
        self._insert_events()
        links: list[Any] = []
        heads: list[Any] = []
        for partition, segment in self._segments.items():
            if segment.places:
                position, recorded_us = segment.position, segment.recorded_us
                last_link = link(segment.before.hash, recorded_us, segment.places)
                links += (partition, position, last_link)
                heads += (partition, position, recorded_us, last_link)
                self.heads[partition] = Head(position, recorded_us, last_link)
        write_rows(self._connection, _INSERT_LINKS, 3, links)
        write_rows(self._connection, _MOVE_HEADS, 4, heads)
        changed = [
            (workspace.bytes, number)
            for workspace, number in self.numbers.items()
            if self._remembered.numbers.get(workspace) != number
        ]
        write_rows(self._connection, _MOVE_NUMBERS, 2, [value for row in changed for value in row])
        self._keep_answers()

    def _find_versions(self, appends: Iterable[Append]) -> dict[StreamId, int]:
        """The present version of each stream that is written or guarded."""
        remembered = self._remembered.versions
        versions: dict[StreamId, int] = {}
        unknown: list[tuple[StreamId]] = []
        for append in appends:
            for stream in (*(write.stream for write in append.writes), *append.unchanged):
                if stream not in versions:
                    known = remembered.get(stream)
                    if known is None:
                        unknown.append((stream,))
                    versions[stream] = known or NO_STREAM
        versions.update(find_rows(self._connection, _FIND_VERSIONS, unknown))
        return versions

    def _find_numbers(self, batch: Iterable[Change]) -> dict[WorkspaceId, int]:
        """The last number of each workspace that asks for another."""
        asking = {append.workspace for append, events in batch if any(event.numbered for event in events)}
        numbers = {workspace: self._remembered.numbers.get(workspace, 0) for workspace in asking}
        unknown = [(workspace.bytes,) for workspace, number in numbers.items() if number == 0]
        for workspace, number in find_rows(self._connection, _FIND_NUMBERS, unknown):
            numbers[WorkspaceId(UUID(bytes=workspace))] = number
        return numbers

    def _find_answers(self, appends: Iterable[Append]) -> dict[tuple[UUID, str], KeptAnswer]:
        keys = {(append.answer.caller.bytes, append.answer.key) for append in appends if append.answer}
        return {
            (UUID(bytes=caller), key): KeptAnswer(
                fingerprint=fingerprint, answer=answer, partition=partition, position=position
            )
            for caller, key, fingerprint, answer, partition, position in find_rows(
                self._connection, _FIND_ANSWERS, list(keys)
            )
        }

    def _mismatch(self, append: Append) -> WrongExpectedVersion | None:
        for write in append.writes:
            actual = self.versions[write.stream]
            if actual != write.expected_version:
                return WrongExpectedVersion(write.stream, write.expected_version, Version(actual))
        for stream, expected in append.unchanged.items():
            actual = self.versions[stream]
            if actual != expected:
                return WrongExpectedVersion(stream, expected, Version(actual))
        return None

    def _stored_before(self, append: Append) -> Appended | None:
        """The first answer, if every event of the append stands at its place."""
        ends = [(write, write.expected_version + len(write.events)) for write in append.writes]
        if not ends or any(self.versions[write.stream] < end for write, end in ends):
            return None
        self._insert_events()  # The first may have been in this very transaction.
        found: list[tuple[bytes, Position, int, int | None]] = []
        for write, end in ends:
            found += self._connection.execute(_FIND_PLACES, (write.stream, write.expected_version, end))
        if any(command_id != append.command_id.bytes for command_id, *_ in found):
            return None
        _, position, recorded_us, _ = found[-1]
        return Appended(
            partition=partition_of(append.workspace),
            position=position,
            recorded_at=instant(recorded_us),
            numbers=tuple(number for *_, number in found if number is not None),
            repeated=True,
        )

    def _accept(self, append: Append, events: Sequence[StoredEvent]) -> Appended:
        workspace, command_id = append.workspace.bytes, append.command_id.bytes
        partition = partition_of(append.workspace)
        segment = self._segments.get(partition) or self._begin_segment(partition)
        position, recorded_us = segment.position, segment.recorded_us
        numbers: tuple[int, ...] = ()
        remaining = iter(events)
        for write in append.writes:
            version, subject = write.expected_version, write.subject.bytes
            for event in islice(remaining, len(write.events)):
                position += 1
                version += 1  # type: ignore[assignment]  # A NewType of int that is counted on.
                number = None
                if event.numbered:
                    number = self.numbers[append.workspace] = self.numbers[append.workspace] + 1
                    numbers += (number,)
                segment.places.append(place(event.digest, position, version, number))
                self._rows += (
                    partition, position, recorded_us, workspace, write.stream, version, command_id,
                    event.type, event.schema_version, event.payload, event.metadata, subject, number,
                )  # fmt: skip
            self.versions[write.stream] = version
        segment.position = position
        if append.answer is not None:
            self._keep(append, partition, position)
        return Appended(
            partition=partition,
            position=Position(position),
            recorded_at=segment.recorded_at,
            numbers=numbers,
        )

    def _begin_segment(self, partition: Partition) -> _Segment:
        before = self._remembered.heads.get(partition) or Head()
        recorded_us = max(self._now_us, before.recorded_us)  # The clock may have been put back.
        segment = _Segment(before, before.position, recorded_us, instant(recorded_us))
        self._segments[partition] = segment
        return segment

    def _keep(self, append: Append, partition: Partition, position: int) -> None:
        answer = append.answer
        assert answer is not None
        self._answers[answer.caller, answer.key] = KeptAnswer(
            fingerprint=answer.fingerprint, answer=answer.answer, partition=partition, position=Position(position)
        )
        self._kept += (
            answer.caller.bytes, answer.key, answer.fingerprint, answer.answer, partition, position, self._now_us,
        )  # fmt: skip

    def _insert_events(self) -> None:
        write_rows(self._connection, _INSERT_EVENTS, _EVENT_COLUMNS, self._rows)
        self._rows.clear()

    def _keep_answers(self) -> None:
        if self._kept:
            kept = len(self._kept) // 7
            expired_us = self._now_us - ANSWERS_KEPT_HOURS * 3_600_000_000
            self._connection.execute(_CLEAR_ANSWERS, (expired_us, kept * ANSWERS_CLEARED_FOR_EACH_KEPT))
            write_rows(self._connection, _INSERT_ANSWERS, 7, self._kept)
