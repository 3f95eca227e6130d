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
from sigdep.adapters.postgres.sealed_log import PostgresSealedLog
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.flushes import Flushes
from sigdep.kernel.ids import NO_STREAM, Partition, Positions, StreamId, Version
from sigdep.kernel.sealed_log import UnsealedLog
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

MIGRATIONS: Final[Sequence[Step]] = (("event_store_1", "append_1"), ("event_store_2",))

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
        self.sealed = PostgresSealedLog(self._reader, self._bell)
        """The same log, for whoever passes it on without a key."""
        self._log = UnsealedLog(self.sealed, codec)
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

    @property
    def flushes(self) -> Flushes:
        return self._appender.flushes

    @property
    def waiting(self) -> int:
        return self._appender.waiting

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
        return await self._log.read(stream, after=after, until=until)

    async def read_all(self, after: Positions, *, limit: int = READ_EVENTS_MAX) -> Sequence[RecordedEvent]:
        return await self._log.read_all(after, limit=limit)

    def follow(self, after: Positions) -> AsyncIterator[Sequence[RecordedEvent]]:
        return self._log.follow(after)

    async def heads(self) -> Positions:
        return await self._log.heads()

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
        await self.sealed.close()
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
