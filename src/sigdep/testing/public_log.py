"""The contract suite of public logs: every promise of `contracts/public_log.py`, for every way to one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Final

import pytest

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.public_log import EVERY_TYPE, PublicBatch, PublicLog
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import Position, Positions, SubjectId, partition_of
from sigdep.kernel.store import EventLog, EventStore, RecordedEvent
from sigdep.testing.sample_events import (
    SAMPLE_EVENTS,
    NoteRenamed,
    NoteWritten,
    appending,
    new_stream,
    new_workspace,
    workspace_in,
    write,
    writing,
)

OpenPublic = Callable[[EventLog], AbstractAsyncContextManager[PublicLog]]
"""Opens a way to what a log publishes by `publish_notes`."""

WAIT_SECONDS: Final = 20.0
QUIET_SECONDS: Final = 0.3
PRIVATE: Final = "private"
WRITTEN: Final = "test.NoteWritten"
RENAMED: Final = "test.NoteRenamed"


def publish_notes(recorded: RecordedEvent) -> CloudEvent | None:
    """All but those that are private."""
    match recorded.event:
        case NoteWritten(text=text) if text != PRIVATE:
            data: object = {"text": text}
        case NoteRenamed(name=name):
            data = {"name": name}
        case _:
            return None
    return CloudEvent(
        id=f"{recorded.partition}-{recorded.position}",
        source="/contexts/test",
        type=f"test.{recorded.type}",
        time=recorded.recorded_at,
        subject=recorded.stream,
        datacontenttype="application/json",
        data=data,
        workspaceid=recorded.workspace,
        streamversion=recorded.version,
    )


async def hear(published: PublicLog, events: int, after: Positions, types: Collection[str]) -> list[PublicBatch]:
    """Batches until so many events have been told, and how far that is."""
    heard: list[PublicBatch] = []
    async with asyncio.timeout(WAIT_SECONDS), aclosing(published.follow(after, types)) as batches:
        async for batch in batches:
            heard.append(batch)
            if sum(len(one.events) for one in heard) >= events and batch.reached:
                break
    return heard


def texts(batches: Collection[PublicBatch]) -> list[str]:
    return [event.data["text"] for batch in batches for event in batch.events]


def reached(batches: Collection[PublicBatch]) -> Positions:
    return {partition: position for batch in batches for partition, position in batch.reached.items()}


class PublicLogContract:
    """A subclass gives `open_public`."""

    @pytest.fixture
    def open_public(self) -> OpenPublic:
        raise NotImplementedError("The subclass says how a public log is reached.")

    @pytest.fixture
    def keys(self) -> MemoryKeyRing:
        return MemoryKeyRing()

    @pytest.fixture
    async def store(self, keys: MemoryKeyRing) -> AsyncIterator[EventStore]:
        """The owner's own log."""
        store = MemoryEventStore(Codec(SAMPLE_EVENTS, keys))
        yield store
        await store.close()

    @pytest.fixture
    async def published(self, store: EventStore, open_public: OpenPublic) -> AsyncIterator[PublicLog]:
        async with open_public(store) as published:
            yield published

    async def test_what_is_public_is_told_in_order_and_all_of_it_counts(
        self, store: EventStore, published: PublicLog
    ) -> None:
        workspace, stream = new_workspace(), new_stream()
        await store.append(writing(workspace, stream, "one", PRIVATE, "two"))
        last = await store.append(writing(workspace, stream, PRIVATE, expected=3))
        heard = await hear(published, 2, {}, EVERY_TYPE)
        assert texts(heard) == ["one", "two"]
        first = heard[0].events[0]
        assert (first.type, first.subject, first.workspaceid, first.streamversion) == (WRITTEN, stream, workspace, 1)
        assert first == publish_notes((await store.read(stream)).events[0])
        assert reached(heard) == {last.partition: 4}

    async def test_whoever_goes_on_where_they_were_misses_nothing_and_hears_nothing_twice(
        self, store: EventStore, published: PublicLog
    ) -> None:
        workspaces = [workspace_in(number) for number in (1, 2, 3)]
        for workspace in workspaces:
            await store.append(writing(workspace, new_stream(), "before"))
        place = reached(await hear(published, 3, {}, EVERY_TYPE))
        for number, workspace in enumerate(workspaces):
            await store.append(writing(workspace, new_stream(), f"after {number}"))
        heard = await hear(published, 3, place, EVERY_TYPE)
        assert sorted(texts(heard)) == ["after 0", "after 1", "after 2"]

    async def test_what_happens_is_told_at_once(self, store: EventStore, published: PublicLog) -> None:
        following = asyncio.create_task(hear(published, 20, {}, EVERY_TYPE))
        await asyncio.sleep(QUIET_SECONDS)
        workspace = new_workspace()
        for number in range(20):
            await store.append(writing(workspace, new_stream(), str(number)))
            await asyncio.sleep(0.01)
        assert texts(await following) == [str(number) for number in range(20)]

    async def test_only_what_was_asked_for_is_told_and_all_of_it_counts(
        self, store: EventStore, published: PublicLog
    ) -> None:
        workspace, stream = new_workspace(), new_stream()
        await store.append(writing(workspace, stream, "one", "two"))
        await store.append(appending(workspace, write(workspace, stream, NoteRenamed(name="new"), expected=2)))
        heard = await hear(published, 1, {}, {RENAMED})
        assert [event.type for batch in heard for event in batch.events] == [RENAMED]
        assert reached(heard) == {partition_of(workspace): 3}

    async def test_what_nobody_asked_for_moves_on_too(self, store: EventStore, published: PublicLog) -> None:
        appended = await store.append(writing(new_workspace(), new_stream(), "one"))
        heard = await hear(published, 0, {}, {RENAMED})
        assert texts(heard) == []
        assert reached(heard) == {appended.partition: 1}

    async def test_what_has_been_erased_is_not_told_any_more(
        self, store: EventStore, published: PublicLog, keys: MemoryKeyRing
    ) -> None:
        erased, kept = workspace_in(5), workspace_in(5)
        await store.append(writing(erased, new_stream(), "gone"))
        await store.append(writing(kept, new_stream(), "stays"))
        await keys.destroy(SubjectId(erased))
        heard = await hear(published, 1, {}, EVERY_TYPE)
        assert texts(heard) == ["stays"]
        assert reached(heard) == {5: 2}

    async def test_much_at_once_comes_whole_wherever_one_goes_on(self, store: EventStore, published: PublicLog) -> None:
        """Whoever stops after any batch, and goes on after what was reached by then, has heard everything."""
        workspace, number = workspace_in(9), 24
        for index in range(number):
            await store.append(writing(workspace, new_stream(), f"{index} " + "x" * 200_000))
        heard = await hear(published, number, {}, EVERY_TYPE)
        assert [text.partition(" ")[0] for text in texts(heard)] == [str(index) for index in range(number)]
        told = 0
        for batch in heard:
            told += len(batch.events)
            assert batch.reached.get(partition_of(workspace), Position(0)) <= told

    async def test_each_of_several_followers_hears_everything(self, store: EventStore, published: PublicLog) -> None:
        followers = [asyncio.create_task(hear(published, 30, {}, EVERY_TYPE)) for _ in range(5)]
        for number in range(30):
            await store.append(writing(workspace_in(number % 3), new_stream(), str(number)))
        for follower in followers:
            assert sorted(texts(await follower), key=int) == [str(number) for number in range(30)]
