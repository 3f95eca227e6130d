"""The event store as a model: the port's promises in the fewest lines, for tests and to compare real stores with."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from sigdep.kernel.chain import FIRST_LINK, ChainWalk, StoredRow, link, place
from sigdep.kernel.codec import Codec, StoredEvent, instant
from sigdep.kernel.errors import Unavailable, WrongExpectedVersion
from sigdep.kernel.flushes import Flushes
from sigdep.kernel.ids import NO_STREAM, Partition, Position, Positions, StreamId, Version, WorkspaceId, partition_of
from sigdep.kernel.store import (
    ANSWERS_KEPT_US,
    READ_EVENTS_MAX,
    AlreadyAnswered,
    Append,
    Appended,
    ChainReport,
    KeptAnswer,
    RecordedEvent,
    Snapshot,
    StreamSlice,
)


@dataclass
class MemoryPartition:
    """One partition of the log. Every append is a batch of its own."""

    rows: list[StoredRow] = field(default_factory=list)
    links: list[tuple[Position, bytes]] = field(default_factory=list)
    """Each batch's last position and link."""

    @property
    def head(self) -> Position:
        return Position(len(self.rows))

    @property
    def last_link(self) -> bytes:
        return self.links[-1][1] if self.links else FIRST_LINK


@dataclass
class MemoryLog:
    """What a database would hold. Several stores may share one."""

    partitions: dict[Partition, MemoryPartition] = field(default_factory=dict)
    streams: dict[StreamId, list[StoredRow]] = field(default_factory=dict)
    numbers: dict[WorkspaceId, int] = field(default_factory=dict)
    answers: dict[tuple[UUID, str], tuple[int, KeptAnswer]] = field(default_factory=dict)
    """Each with the time when it was kept, in microseconds since 1970."""
    snapshots: dict[StreamId, tuple[Snapshot, bytes]] = field(default_factory=dict)
    """Each with its state sealed; the snapshot itself is kept without."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced by a new one, whenever something has been appended or a store is closed."""

    def wake(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()


class MemoryEventStore:
    """An EventStore whose log ends with the process."""

    def __init__(self, codec: Codec, log: MemoryLog | None = None) -> None:
        self._codec = codec
        self._log = MemoryLog() if log is None else log
        self._closed = False
        self.flushes = Flushes()

    @property
    def waiting(self) -> int:
        """Nothing ever does."""
        return 0

    async def append(self, append: Append) -> Appended:
        self._check_open()
        sealed = await self._codec.seal(append)
        self.flushes.add(1, len(sealed), 0.0)
        # From here to the end nothing awaits: this is the transaction.
        first = self._stored_before(append)
        if first is not None:
            return first
        self._check_answer(append)
        self._check_versions(append)
        return self._store(append, sealed)

    def _stored_before(self, append: Append) -> Appended | None:
        found: list[StoredRow] = []
        for write in append.writes:
            stored = self._log.streams.get(write.stream, [])
            places = stored[write.expected_version : write.expected_version + len(write.events)]
            if len(places) < len(write.events) or any(row.command_id != append.command_id for row in places):
                return None
            found.extend(places)
        if not found:
            return None
        return Appended(
            partition=found[-1].partition,
            position=found[-1].position,
            recorded_at=instant(found[-1].recorded_us),
            numbers=tuple(row.number for row in found if row.number is not None),
            repeated=True,
        )

    def _check_answer(self, append: Append) -> None:
        if append.answer is not None:
            kept = self._kept(append.answer.caller, append.answer.key)
            if kept is not None:
                raise AlreadyAnswered(kept)

    def _check_versions(self, append: Append) -> None:
        written = [(write.stream, write.expected_version) for write in append.writes]
        for stream, expected in (*written, *append.unchanged.items()):
            actual = Version(len(self._log.streams.get(stream, [])))
            if actual != expected:
                raise WrongExpectedVersion(stream, expected, actual)

    def _store(self, append: Append, sealed: Sequence[StoredEvent]) -> Appended:
        log, number = self._log, partition_of(append.workspace)
        partition = log.partitions.setdefault(number, MemoryPartition())
        recorded_us = time.time_ns() // 1_000
        if partition.rows:
            recorded_us = max(recorded_us, partition.rows[-1].recorded_us)
        rows = [self._place(append, event, number, partition, recorded_us) for event in sealed]
        if rows:
            places = (
                place(event.digest, row.position, row.version, row.number)
                for event, row in zip(sealed, rows, strict=True)
            )
            partition.links.append((partition.head, link(partition.last_link, recorded_us, places)))
        if append.answer is not None:
            answer = append.answer
            kept = KeptAnswer(
                fingerprint=answer.fingerprint, answer=answer.answer, partition=number, position=partition.head
            )
            log.answers[answer.caller, answer.key] = recorded_us, kept
        log.wake()
        return Appended(
            partition=number,
            position=partition.head,
            recorded_at=instant(recorded_us),
            numbers=tuple(row.number for row in rows if row.number is not None),
        )

    def _place(
        self,
        append: Append,
        event: StoredEvent,
        number: Partition,
        partition: MemoryPartition,
        recorded_us: int,
    ) -> StoredRow:
        log, stream = self._log, self._log.streams.setdefault(event.stream, [])
        if event.numbered:
            log.numbers[append.workspace] = log.numbers.get(append.workspace, 0) + 1
        row = StoredRow(
            number,
            Position(partition.head + 1),
            recorded_us,
            append.workspace,
            event.stream,
            Version(len(stream) + 1),
            append.command_id,
            event.type,
            event.schema_version,
            event.payload,
            event.metadata,
            event.subject,
            log.numbers[append.workspace] if event.numbered else None,
        )
        partition.rows.append(row)
        stream.append(row)
        return row

    async def answered(self, caller: UUID, key: str) -> KeptAnswer | None:
        self._check_open()
        return self._kept(caller, key)

    def _kept(self, caller: UUID, key: str) -> KeptAnswer | None:
        kept_us, kept = self._log.answers.get((caller, key), (0, None))
        return kept if kept_us >= time.time_ns() // 1_000 - ANSWERS_KEPT_US else None

    async def read(self, stream: StreamId, *, after: Version = NO_STREAM, until: Version | None = None) -> StreamSlice:
        self._check_open()
        events = await self._codec.unseal(self._log.streams.get(stream, [])[after:until])
        return StreamSlice(events=events, version=events[-1].version if events else after)

    async def read_all(self, after: Positions, *, limit: int = READ_EVENTS_MAX) -> Sequence[RecordedEvent]:
        self._check_open()
        return await self._codec.unseal(list(self._next_rows(after, limit)))

    def _next_rows(self, after: Positions, limit: int) -> Iterator[StoredRow]:
        behind = [
            (partition, after.get(number, 0))
            for number, partition in sorted(self._log.partitions.items())
            if partition.head > after.get(number, 0)
        ]
        share = max(1, limit // max(1, len(behind)))
        for partition, start in behind[:limit]:
            yield from partition.rows[start : start + share]

    async def follow(self, after: Positions) -> AsyncIterator[Sequence[RecordedEvent]]:
        reached = dict(after)
        while not self._closed:
            changed = self._log.changed
            batch = await self._codec.unseal(list(self._next_rows(reached, READ_EVENTS_MAX)))
            if batch:
                reached |= {recorded.partition: recorded.position for recorded in batch}
                yield batch
            else:
                await changed.wait()

    async def heads(self) -> Positions:
        self._check_open()
        return {number: partition.head for number, partition in self._log.partitions.items() if partition.rows}

    async def load_snapshot(self, stream: StreamId, schema: str) -> Snapshot | None:
        self._check_open()
        kept, sealed = self._log.snapshots.get(stream, (None, b""))
        if kept is None or kept.schema != schema:
            return None
        return await self._codec.unseal_snapshot(stream, kept.subject, kept.version, schema, sealed)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        self._check_open()
        sealed = await self._codec.seal_snapshot(snapshot)
        kept, _ = self._log.snapshots.get(snapshot.stream, (None, b""))
        if kept is None or kept.version <= snapshot.version:
            self._log.snapshots[snapshot.stream] = (msgspec.structs.replace(snapshot, state=b""), sealed)

    async def verify(self, partition: Partition) -> ChainReport:
        self._check_open()
        found, walk, first = self._log.partitions.get(partition, MemoryPartition()), ChainWalk(partition), 0
        for last, stored_link in found.links:
            walk.take(last, stored_link, found.rows[first:last])
            first = last
        return walk.finish(found.head, found.last_link, found.head)

    async def close(self) -> None:
        self._closed = True
        self._log.wake()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The event store has been closed.")
