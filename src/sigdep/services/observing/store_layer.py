"""An event store round another one, for layers that add something to one of its methods."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from sigdep.kernel.flushes import Flushes
from sigdep.kernel.ids import NO_STREAM, Partition, Positions, StreamId, Version
from sigdep.kernel.store import (
    READ_EVENTS_MAX,
    Append,
    Appended,
    ChainReport,
    EventStore,
    KeptAnswer,
    RecordedEvent,
    Snapshot,
    StreamSlice,
)


class StoreLayer:
    """Hands everything on."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    @property
    def flushes(self) -> Flushes:
        return self._store.flushes

    @property
    def waiting(self) -> int:
        return self._store.waiting

    async def append(self, append: Append) -> Appended:
        return await self._store.append(append)

    async def answered(self, caller: UUID, key: str) -> KeptAnswer | None:
        return await self._store.answered(caller, key)

    async def read(self, stream: StreamId, *, after: Version = NO_STREAM, until: Version | None = None) -> StreamSlice:
        return await self._store.read(stream, after=after, until=until)

    async def read_all(self, after: Positions, *, limit: int = READ_EVENTS_MAX) -> Sequence[RecordedEvent]:
        return await self._store.read_all(after, limit=limit)

    def follow(self, after: Positions) -> AsyncIterator[Sequence[RecordedEvent]]:
        return self._store.follow(after)

    async def heads(self) -> Positions:
        return await self._store.heads()

    async def load_snapshot(self, stream: StreamId, schema: str) -> Snapshot | None:
        return await self._store.load_snapshot(stream, schema)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        await self._store.save_snapshot(snapshot)

    async def verify(self, partition: Partition) -> ChainReport:
        return await self._store.verify(partition)

    async def close(self) -> None:
        await self._store.close()
