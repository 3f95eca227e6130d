# ruff: noqa: S608  The schema's name has been checked.
"""The event store on PostgreSQL: one log for each schema, which many processes may write and read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from sigdep.adapters.postgres.appender import Appender
from sigdep.adapters.postgres.batch import KeyUsed
from sigdep.adapters.postgres.bell import Bell
from sigdep.adapters.postgres.connecting import Reading, quoted
from sigdep.adapters.postgres.migrations import Step, migrate
from sigdep.adapters.postgres.reader import Reader
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import NO_STREAM, Partition, Positions, StreamId, Version
from sigdep.kernel.store import (
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

MIGRATIONS: Final[Sequence[Step]] = (("event_store_1", "append_1"),)

POLL_SECONDS_MIN: Final = 0.05
POLL_SECONDS_MAX: Final = 0.5
"""A follower that finds nothing looks again after these, doubled each time, unless the bell rings."""

TIDY_SECONDS: Final = 600.0
"""Between rounds that forget old answers."""


class PostgresEventStore:
    """An EventStore; make it with `open`."""

    def __init__(self, codec: Codec, reading: Reading, dsn: str, schema: str) -> None:
        self._codec = codec
        self._schema = schema
        self._reading = reading
        self._reader = Reader(reading, schema)
        self._appender = Appender(dsn, schema)
        self._bell = Bell(dsn, schema)
        self._closed = False
        self._tidying = asyncio.create_task(self._tidy(), name=f"forget old answers of {schema}")

    @classmethod
    async def open(cls, dsn: str, codec: Codec, *, schema: str) -> "PostgresEventStore":
        """
        Args:
            schema: of the database, made where it is missing: one for each context's log.

        Raises:
            OutOfOrder: a newer release has been here, or the database cannot be used.
            Unavailable: it is away.
        """
        await migrate(dsn, quoted(schema), "event_store", MIGRATIONS)
        return cls(codec, await Reading.open(dsn, "sigdep read"), dsn, schema)

    async def append(self, append: Append) -> Appended:
        self._check_open()
        events = await self._codec.seal(append)
        try:
            return await self._appender.append(append, events)
        except KeyUsed:
            assert append.answer is not None  # The database says so only of a key that it was given.
            kept = await self._reader.answer(append.answer.caller, append.answer.key)
            if kept is None:
                raise Unavailable("The answer to this Idempotency-Key has just expired. Please try again.") from None
            raise AlreadyAnswered(kept) from None

    async def answered(self, caller: UUID, key: str) -> KeptAnswer | None:
        self._check_open()
        return await self._reader.answer(caller, key)

    async def read(self, stream: StreamId, *, after: Version = NO_STREAM, until: Version | None = None) -> StreamSlice:
        self._check_open()
        events = await self._codec.unseal(await self._reader.stream(stream, after, until))
        return StreamSlice(events=events, version=events[-1].version if events else after)

    async def read_all(self, after: Positions, *, limit: int = READ_EVENTS_MAX) -> Sequence[RecordedEvent]:
        self._check_open()
        return await self._codec.unseal(await self._reader.next_rows(after, limit))

    async def follow(self, after: Positions) -> AsyncIterator[Sequence[RecordedEvent]]:
        reached, pause = dict(after), POLL_SECONDS_MIN
        while not self._closed:
            ring = self._bell.next_ring()
            try:
                batch = await self.read_all(reached)
            except Unavailable:
                if self._closed:
                    return
                raise
            if batch:
                reached |= {recorded.partition: recorded.position for recorded in batch}
                pause = POLL_SECONDS_MIN
                yield batch
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(ring.wait(), pause)
                pause = min(pause * 2, POLL_SECONDS_MAX)

    async def heads(self) -> Positions:
        self._check_open()
        return await self._reader.heads()

    async def load_snapshot(self, stream: StreamId, schema: str) -> Snapshot | None:
        self._check_open()
        row = await self._reading.fetchrow(
            f"SELECT subject, version, state FROM {self._schema}.snapshot WHERE stream = $1 AND schema = $2",
            stream,
            schema,
        )
        if row is None:
            return None
        return await self._codec.unseal_snapshot(stream, row["subject"], row["version"], schema, row["state"])

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        self._check_open()
        await self._reading.execute(
            f"INSERT INTO {self._schema}.snapshot AS s (stream, subject, version, schema, state)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (stream) DO UPDATE SET subject = excluded.subject,"
            " version = excluded.version, schema = excluded.schema, state = excluded.state"
            " WHERE s.version <= excluded.version",
            snapshot.stream,
            snapshot.subject,
            snapshot.version,
            snapshot.schema,
            await self._codec.seal_snapshot(snapshot),
        )

    async def verify(self, partition: Partition) -> ChainReport:
        self._check_open()
        return await self._reader.verify(partition)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._appender.close()
        await self._bell.close()
        self._tidying.cancel()
        with suppress(asyncio.CancelledError):
            await self._tidying
        await self._reading.close()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            with suppress(Unavailable):
                await self._reader.forget_answers()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The event store has been closed.")
