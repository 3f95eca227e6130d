"""The event store in one SQLite file, written by one process: the log of the embedded mode."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import UUID

from sigdep.adapters.shared_reads import SharedReads
from sigdep.adapters.sqlite.database import open_to_write
from sigdep.adapters.sqlite.driver import translated_errors
from sigdep.adapters.sqlite.event_reader import VERSION_MAX, EventReader
from sigdep.adapters.sqlite.event_schema import EVENT_MIGRATIONS
from sigdep.adapters.sqlite.event_writer import EventWriter, now_us
from sigdep.adapters.sqlite.file_lock import FileLock
from sigdep.adapters.sqlite.log_end import Commit, LogEnd, events_after
from sigdep.kernel.chain import StoredRow
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.flushes import Flushes
from sigdep.kernel.ids import NO_STREAM, Partition, Positions, StreamId, SubjectId, Version
from sigdep.kernel.store import (
    ANSWERS_KEPT_US,
    READ_EVENTS_MAX,
    Append,
    Appended,
    ChainReport,
    KeptAnswer,
    RecordedEvent,
    Snapshot,
    StreamSlice,
)

EVENTS_PER_STEP: Final = 128
"""Read and unsealed before the event loop gets its turn: about a millisecond."""

MARKS_REMEMBERED: Final = 32
"""More than there are readers that tail the log at once: one that is forgotten reads partition by partition once."""

POLL_SECONDS: Final = 0.1
"""How often a store that is only read looks whether the process that writes has added something."""


class SqliteEventStore:
    """An EventStore. One process writes; any number may read at the same time with `read_only`."""

    def __init__(
        self, path: Path, codec: Codec, reader: EventReader, lock: FileLock | None, writing: sqlite3.Connection | None
    ) -> None:
        """For `open`."""
        self._path = path
        self._codec = codec
        self._reader = reader
        self._lock = lock
        self._marks: deque[tuple[Positions, int]] = deque(maxlen=MARKS_REMEMBERED)
        """Places in the whole log where readers have been lately, with the id of the last event before each."""
        self._shared = SharedReads(self.read_all)
        self._changed = asyncio.Event()
        self._closed = False
        self._clock_us = now_us
        self._writer = None if writing is None else EventWriter(writing, committed=self._committed)
        self._end = None if self._writer is None else LogEnd(self._writer.heads)
        self.flushes = Flushes() if self._writer is None else self._writer.flushes

    @classmethod
    async def open(cls, path: Path, codec: Codec, *, read_only: bool = False) -> "SqliteEventStore":
        """Open the log, made anew where there is none.

        Raises:
            InUse: another process has it open for writing.
            TooNew: a later release wrote it.
            LogDamaged: it is no database.
            Unavailable: it cannot be opened; or `read_only`, and there is none.
        """
        if read_only:
            return cls(path, codec, await asyncio.to_thread(EventReader, path), None, None)
        lock = FileLock(path)
        try:
            writing = await asyncio.to_thread(open_to_write, path, EVENT_MIGRATIONS)
            try:
                return cls(path, codec, await asyncio.to_thread(EventReader, path), lock, writing)
            except BaseException:
                writing.close()
                raise
        except BaseException:
            lock.release()
            raise

    @property
    def waiting(self) -> int:
        return 0 if self._writer is None else self._writer.waiting

    async def append(self, append: Append) -> Appended:
        writer = self._writing()
        return await writer.append(append, await self._codec.seal(append))

    async def answered(self, caller: UUID, key: str) -> KeptAnswer | None:
        with self._reading():
            return self._reader.answer(caller, key, self._clock_us() - ANSWERS_KEPT_US)

    async def read(self, stream: StreamId, *, after: Version = NO_STREAM, until: Version | None = None) -> StreamSlice:
        events: list[RecordedEvent] = []
        version, last = after, VERSION_MAX if until is None else until
        while True:
            with self._reading():
                rows = self._reader.stream(stream, version, last, EVENTS_PER_STEP)
            events += await self._codec.unseal(rows)
            if rows:
                version = rows[-1].version
            if len(rows) < EVENTS_PER_STEP:
                return StreamSlice(events=events, version=version)
            await asyncio.sleep(0)

    async def read_all(self, after: Positions, *, limit: int = READ_EVENTS_MAX) -> Sequence[RecordedEvent]:
        with self._reading():
            rows = self._next_rows(after, limit)
        events: list[RecordedEvent] = []
        for first in range(0, len(rows), EVENTS_PER_STEP):
            events += await self._codec.unseal(rows[first : first + EVENTS_PER_STEP])
            await asyncio.sleep(0)
        return events

    def _next_rows(self, after: Positions, limit: int) -> Sequence[StoredRow]:
        """Where `after` is how far somebody has come before: in the order of commits, else partition by partition."""
        after = {partition: position for partition, position in after.items() if position}
        last_id = next((known for positions, known in self._marks if positions == after), None) if after else 0
        reached: int | None
        if last_id is not None:
            rows, reached = self._reader.log_behind(last_id, after, limit)
        else:
            rows, reached = self._reader.log(after, limit)
        if reached is not None and (rows or last_id is None):
            self._marks.appendleft(({**after, **{row.partition: row.position for row in rows}}, reached))
        return rows

    async def follow(self, after: Positions) -> AsyncIterator[Sequence[RecordedEvent]]:
        reached = dict(after)
        closely = False
        while not self._closed:
            changed = self._changed
            batch = await self._at_hand(reached) if closely else None
            if batch is None:
                batch = await self._shared.after(reached)
            closely = not batch or closely  # Whoever begins reads what is stored.
            if batch:
                reached |= {recorded.partition: recorded.position for recorded in batch}
                yield batch
            elif self._writer is not None:
                await changed.wait()
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await changed.wait()

    async def _at_hand(self, reached: Positions) -> Sequence[RecordedEvent] | None:
        """What comes next, as it was committed. None: it must be read."""
        commits = None if self._end is None else self._end.after(reached)
        if commits is None:
            return None
        subjects: set[SubjectId] = set().union(*(commit.subjects for commit in commits))
        keys = await self._codec.keys.find(subjects)  # A key that is gone by now has left nothing to be told.
        return events_after(reached, commits) if len(keys) == len(subjects) else None

    async def heads(self) -> Positions:
        with self._reading():
            return self._reader.heads() if self._writer is None else self._writer.heads

    async def load_snapshot(self, stream: StreamId, schema: str) -> Snapshot | None:
        with self._reading():
            found = self._reader.snapshot(stream, schema)
        if found is None:
            return None
        subject, version, state = found
        return await self._codec.unseal_snapshot(stream, subject, version, schema, state)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        writer = self._writing()
        state = await self._codec.seal_snapshot(snapshot)
        await writer.save_snapshot(snapshot, state)

    async def verify(self, partition: Partition) -> ChainReport:
        self._check_open()
        return await asyncio.to_thread(_verify, self._path, partition)

    async def close(self) -> None:
        self._closed = True
        self._reader.close()  # First: whoever comes last empties the write-ahead log, which a reader cannot.
        if self._writer is not None:
            await self._writer.close()
        if self._end is not None:
            self._end.forget()
        self._wake()
        if self._lock is not None:
            self._lock.release()

    def _committed(self, commit: Commit) -> None:
        if self._end is not None:
            self._end.add(commit)
        self._wake()

    def _wake(self) -> None:
        """Let every follower look again."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _writing(self) -> EventWriter:
        self._check_open()
        if self._writer is None:
            raise Unavailable(f"{self._path} has been opened to be read only.")
        return self._writer

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The event store has been closed.")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self._check_open()
        with translated_errors("Reading the log"):
            yield


def _verify(path: Path, partition: Partition) -> ChainReport:
    with translated_errors("Verifying the log"):
        reader = EventReader(path)
        try:
            return reader.walk_chain(partition)
        finally:
            reader.close()
