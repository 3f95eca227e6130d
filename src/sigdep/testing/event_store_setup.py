"""What every part of the event store's contract suite stands on: a key ring, a codec, a store, others on its data."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Protocol, runtime_checkable

import pytest

from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import SigdepError
from sigdep.kernel.ids import Position, Positions, StreamId, WorkspaceId, partition_of
from sigdep.kernel.keys import KeyRing
from sigdep.kernel.store import Append, Appended, EventStore, RecordedEvent
from sigdep.testing.sample_events import SAMPLE_EVENTS, NoteWritten, new_stream, new_workspace

WAIT_SECONDS = 20.0
"""Longer than any promise of the suite should take to come true, on a busy machine."""


@runtime_checkable
class Opener(Protocol):
    """Opens a store on the data of the present test: the same data each time."""

    async def __call__(self, codec: Codec, *, read_only: bool = False) -> EventStore:
        """`read_only`: the test will only read with it. An adapter with one writer may then open a reader."""
        ...


OpenReader = Callable[[], Awaitable[EventStore]]


class EventStoreSetup:
    """Fixtures of the suite. A subclass gives `opener` and `age_answers`."""

    several_writers = True
    """False: the technology allows one writing store at a time."""

    @pytest.fixture
    def opener(self) -> Opener:
        raise NotImplementedError("The subclass says how its store is opened.")

    async def age_answers(self, hours: float) -> None:
        """Make every answer that is kept in the present test's data so much older."""
        raise NotImplementedError("The subclass says how its answers grow old.")

    @pytest.fixture
    async def keys(self) -> AsyncIterator[KeyRing]:
        ring = MemoryKeyRing()
        yield ring
        await ring.close()

    @pytest.fixture
    def codec(self, keys: KeyRing) -> Codec:
        return Codec(SAMPLE_EVENTS, keys)

    @pytest.fixture
    async def store(self, opener: Opener, codec: Codec) -> AsyncIterator[EventStore]:
        store = await opener(codec)
        yield store
        await store.close()

    @pytest.fixture
    async def open_reader(self, opener: Opener, codec: Codec, store: EventStore) -> AsyncIterator[OpenReader]:
        """Another store on the same data, to read with."""
        async with AsyncExitStack() as opened:

            async def another() -> EventStore:
                reader = await opener(codec, read_only=True)
                opened.push_async_callback(reader.close)
                return reader

            yield another

    @pytest.fixture
    async def writers(self, opener: Opener, codec: Codec, store: EventStore) -> AsyncIterator[tuple[EventStore, ...]]:
        """As many stores as may write one log at a time, up to three."""
        if not self.several_writers:
            yield (store,)
            return
        others = (await opener(codec), await opener(codec))
        yield (store, *others)
        for other in others:
            await other.close()

    @pytest.fixture
    def workspace(self) -> WorkspaceId:
        return new_workspace()

    @pytest.fixture
    def stream(self) -> StreamId:
        return new_stream()


async def everything(store: EventStore, after: Positions | None = None) -> list[RecordedEvent]:
    """The whole log behind `after`, read batch by batch."""
    reached, found = dict(after or {}), list[RecordedEvent]()
    while batch := await store.read_all(reached):
        reached |= {recorded.partition: recorded.position for recorded in batch}
        found.extend(batch)
    return found


async def texts(store: EventStore, stream: StreamId) -> list[str]:
    """What the notes of a stream say, oldest first."""
    found = await store.read(stream)
    return [recorded.event.text for recorded in found.events if isinstance(recorded.event, NoteWritten)]


async def head(store: EventStore, workspace: WorkspaceId) -> Position:
    return (await store.heads()).get(partition_of(workspace), Position(0))


async def outcome(store: EventStore, append: Append) -> Appended | SigdepError:
    """What an append led to; its refusal, where it was refused."""
    try:
        return await store.append(append)
    except SigdepError as refusal:
        return refusal


def in_order(instants: list[datetime]) -> bool:
    return instants == sorted(instants)
