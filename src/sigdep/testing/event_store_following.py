"""Contract of the event store, following: what is there, then what comes, the same as a reader finds."""

import asyncio

from sigdep.kernel.ids import Position, StreamId, SubjectId, WorkspaceId, partition_of
from sigdep.kernel.keys import KeyRing
from sigdep.kernel.store import Append, EventStore, Metadata, RecordedEvent
from sigdep.testing.event_store_setup import WAIT_SECONDS, EventStoreSetup, OpenReader, everything
from sigdep.testing.sample_events import (
    NoteFiled,
    appending,
    new_command,
    new_stream,
    new_workspace,
    workspace_in,
    write,
    writing,
    written,
)


class FollowingContract(EventStoreSetup):
    async def test_a_follower_is_given_the_past_and_then_what_comes(
        self, store: EventStore, workspace: WorkspaceId
    ) -> None:
        await store.append(writing(workspace, new_stream(), "a", "b"))
        seen: list[RecordedEvent] = []

        async def follow() -> None:
            async for batch in store.follow({partition_of(workspace): Position(1)}):
                assert batch
                seen.extend(batch)
                if len(seen) == 1:
                    caught_up.set()
                if len(seen) == 4:
                    return

        caught_up = asyncio.Event()
        follower = asyncio.create_task(follow())
        await asyncio.wait_for(caught_up.wait(), WAIT_SECONDS)
        await asyncio.sleep(0.01)  # Let it come to rest, so that it must be woken.
        await store.append(writing(workspace, new_stream(), "c"))
        await asyncio.sleep(0.01)
        await store.append(writing(workspace, new_stream(), "d", "e"))
        await asyncio.wait_for(follower, WAIT_SECONDS)
        assert [recorded.position for recorded in seen] == [2, 3, 4, 5][: len(seen)]

    async def test_a_follower_of_another_store_is_told_too(
        self, store: EventStore, open_reader: OpenReader, workspace: WorkspaceId
    ) -> None:
        following = (await open_reader()).follow({})
        for number in range(3):
            await store.append(writing(workspace, new_stream(), "a"))
            batch = await asyncio.wait_for(anext(following), WAIT_SECONDS)
            assert [recorded.position for recorded in batch] == [number + 1]

    async def test_following_is_quick(self, store: EventStore, workspace: WorkspaceId) -> None:
        """Woken, not found by the next poll."""
        following, waits = store.follow({}), []
        for _ in range(20):
            waiting = asyncio.ensure_future(anext(following))
            await asyncio.sleep(0.005)
            await store.append(writing(workspace, new_stream(), "a"))
            begun = asyncio.get_running_loop().time()
            await asyncio.wait_for(waiting, WAIT_SECONDS)
            waits.append(asyncio.get_running_loop().time() - begun)
        assert sorted(waits)[10] < 0.02

    async def test_closing_ends_every_follower(self, store: EventStore, workspace: WorkspaceId) -> None:
        await store.append(writing(workspace, new_stream(), "a"))

        async def follow() -> int:
            return sum([len(batch) async for batch in store.follow({})])

        followers = [asyncio.create_task(follow()) for _ in range(3)]
        await asyncio.sleep(0.05)
        await store.close()
        assert await asyncio.wait_for(asyncio.gather(*followers), WAIT_SECONDS) == [1, 1, 1]

    async def test_a_follower_hears_what_a_reader_finds(self, store: EventStore) -> None:
        """Of everything that came while it waited and while it was busy: numbers, metadata, several streams at once."""
        following, heard = store.follow({}), list[RecordedEvent]()
        waiting = asyncio.ensure_future(anext(following))
        await asyncio.sleep(0.01)  # It has come to rest.
        stored = 0
        for number in range(20):
            await asyncio.gather(*(store.append(_two_streams(number % 3)) for _ in range(4)))
            stored += 12
            if number % 2:
                heard += await asyncio.wait_for(waiting, WAIT_SECONDS)
                waiting = asyncio.ensure_future(anext(following))
        while len(heard) < stored:
            heard += await asyncio.wait_for(waiting, WAIT_SECONDS)
            waiting = asyncio.ensure_future(anext(following))
        waiting.cancel()
        for partition in range(3):
            found, told = (
                [recorded for recorded in some if recorded.partition == partition]
                for some in (await everything(store), heard)
            )
            assert told == found

    async def test_a_follower_hears_nothing_of_whom_has_been_erased_meanwhile(
        self, store: EventStore, keys: KeyRing, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        person, following = SubjectId(new_workspace()), store.follow({})
        waiting = asyncio.ensure_future(anext(following))
        await asyncio.sleep(0.01)  # It has come to rest.
        await store.append(writing(workspace, new_stream(), "ours"))
        await asyncio.wait_for(waiting, WAIT_SECONDS)
        await store.append(appending(workspace, write(person, stream, *written("my name"))))
        await store.append(writing(workspace, new_stream(), "ours"))
        await keys.destroy(person)
        heard: list[RecordedEvent] = []
        while len(heard) < 2:
            heard += await asyncio.wait_for(anext(following), WAIT_SECONDS)
        assert [recorded.event for recorded in heard] == [None, *written("ours")]


def _two_streams(partition: int) -> Append:
    workspace = workspace_in(partition)
    return appending(
        workspace,
        write(workspace, new_stream(), NoteFiled(text="a"), *written("b")),
        write(new_workspace(), new_stream(), NoteFiled(text="c")),
        metadata=Metadata(actor=new_command(), client="session"),
    )
