"""Contract of the event store, writing: order, atomicity, guards, numbers, conflicts, limits."""

import asyncio

import pytest

from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import Unavailable, WrongExpectedVersion
from sigdep.kernel.ids import StreamId, SubjectId, WorkspaceId, partition_of
from sigdep.kernel.keys import KeyDestroyed, KeyRing
from sigdep.kernel.store import (
    APPEND_EVENTS_MAX,
    EVENT_BYTES_MAX,
    Appended,
    EventStore,
    EventTooLarge,
    Metadata,
)
from sigdep.testing.event_store_setup import (
    EventStoreSetup,
    Opener,
    OpenReader,
    everything,
    head,
    in_order,
    outcome,
    texts,
)
from sigdep.testing.sample_events import (
    NoteFiled,
    NoteWritten,
    appending,
    new_command,
    new_stream,
    new_workspace,
    workspace_in,
    write,
    writing,
    written,
)


class AppendingContract(EventStoreSetup):
    async def test_an_event_comes_back_as_it_was_written(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        metadata = Metadata(actor=new_command(), client="session", request="r-1", cause=new_command())
        command = new_command()
        said = NoteWritten(text="Ünïcode, \u2028 and 'quotes'")
        appended = await store.append(
            appending(workspace, write(workspace, stream, said), command=command, metadata=metadata)
        )
        [recorded] = (await store.read(stream)).events
        assert recorded.event == said
        assert recorded.metadata == metadata
        assert recorded.recorded_at == appended.recorded_at
        assert (recorded.partition, recorded.position) == (appended.partition, appended.position)
        assert (recorded.workspace, recorded.stream, recorded.version) == (workspace, stream, 1)
        assert (recorded.subject, recorded.command_id, recorded.type) == (SubjectId(workspace), command, "NoteWritten")

    async def test_positions_are_contiguous_and_tell_where_the_last_event_stands(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        first = await store.append(writing(workspace, stream, "a", "b"))
        second = await store.append(writing(workspace, stream, "c", expected=2))
        assert first.partition == second.partition == partition_of(workspace)
        assert (first.position, second.position) == (2, 3)
        assert [recorded.position for recorded in await everything(store)] == [1, 2, 3]
        assert await store.heads() == {partition_of(workspace): 3}

    async def test_recorded_at_never_goes_back(self, store: EventStore, workspace: WorkspaceId) -> None:
        await asyncio.gather(*(store.append(writing(workspace, new_stream(), "a")) for _ in range(50)))
        assert in_order([recorded.recorded_at for recorded in await everything(store)])

    async def test_what_is_committed_together_is_counted(self, store: EventStore) -> None:
        appends = [writing(new_workspace(), new_stream(), *("x" * size)) for size in (1, 2, 3, 1, 1)]
        await asyncio.gather(*(store.append(append) for append in appends))
        await outcome(store, appends[0])  # A repeat is decided as well.
        flushes = store.flushes
        assert (flushes.appends.sum, flushes.events.sum) == (6, 9)
        assert 2 <= sum(flushes.appends.counts) == sum(flushes.events.counts) <= 6
        assert flushes.seconds >= 0
        assert store.waiting == 0

    async def test_partitions_count_on_their_own(self, store: EventStore) -> None:
        one, other = workspace_in(1), workspace_in(2)
        assert (await store.append(writing(one, new_stream(), "a", "b"))).position == 2
        assert (await store.append(writing(other, new_stream(), "a"))).position == 1
        assert await store.heads() == {1: 2, 2: 1}

    async def test_a_stale_writer_is_turned_away_and_writes_nothing(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        await store.append(writing(workspace, stream, "a"))
        for expected in (0, 2, 7):
            with pytest.raises(WrongExpectedVersion) as refusal:
                await store.append(writing(workspace, stream, "stale", expected=expected))
            assert (refusal.value.stream, refusal.value.expected, refusal.value.actual) == (
                stream,
                expected,
                1,
            )
        assert await texts(store, stream) == ["a"]
        assert await head(store, workspace) == 1

    async def test_several_streams_are_written_together(self, store: EventStore, workspace: WorkspaceId) -> None:
        one, other = new_stream(), new_stream()
        appended = await store.append(
            appending(workspace, write(workspace, one, *written("a", "b")), write(workspace, other, *written("c")))
        )
        assert appended.position == 3
        assert [(recorded.stream, recorded.version) for recorded in await everything(store)] == [
            (one, 1),
            (one, 2),
            (other, 1),
        ]

    async def test_or_not_at_all(self, store: EventStore, workspace: WorkspaceId) -> None:
        one, other = new_stream(), new_stream()
        await store.append(writing(workspace, other, "a"))
        with pytest.raises(WrongExpectedVersion):
            await store.append(
                appending(workspace, write(workspace, one, *written("b")), write(workspace, other, *written("c")))
            )
        assert await texts(store, one) == []
        assert await head(store, workspace) == 1

    async def test_a_guarded_stream_must_not_have_changed(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        guarded, absent = new_stream(), new_stream()
        await store.append(writing(workspace, guarded, "a"))
        stored = write(workspace, stream, *written("b"))
        for unchanged in ({guarded: 0}, {guarded: 2}, {guarded: 1, absent: 1}):
            with pytest.raises(WrongExpectedVersion) as refusal:
                await store.append(appending(workspace, stored, unchanged=unchanged))
            assert refusal.value.stream == (absent if absent in unchanged else guarded)
        assert await texts(store, stream) == []
        await store.append(appending(workspace, stored, unchanged={guarded: 1, absent: 0}))
        assert await texts(store, stream) == ["b"]

    async def test_of_two_that_guard_each_other_one_is_refused(self, store: EventStore, workspace: WorkspaceId) -> None:
        """Two moves that would together make a cycle."""
        one, other = new_stream(), new_stream()
        results = await asyncio.gather(
            outcome(store, appending(workspace, write(workspace, one, *written("a")), unchanged={other: 0})),
            outcome(store, appending(workspace, write(workspace, other, *written("b")), unchanged={one: 0})),
        )
        assert {type(result) for result in results} == {Appended, WrongExpectedVersion}
        assert len(await everything(store)) == 1

    async def test_a_conflict_hurts_no_neighbour(self, store: EventStore, workspace: WorkspaceId) -> None:
        taken = new_stream()
        await store.append(writing(workspace, taken, "a"))
        fresh = [new_stream() for _ in range(40)]
        appends = [writing(workspace, taken if number % 4 == 0 else stream, "b") for number, stream in enumerate(fresh)]
        results = await asyncio.gather(*(outcome(store, append) for append in appends))
        assert [isinstance(result, Appended) for result in results] == [number % 4 != 0 for number in range(40)]
        assert await texts(store, taken) == ["a"]
        assert [recorded.position for recorded in await everything(store)] == list(range(1, 32))

    async def test_of_many_writers_of_one_version_one_wins(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        results = await asyncio.gather(
            *(outcome(store, writing(workspace, stream, str(number))) for number in range(20))
        )
        winners = [str(number) for number, result in enumerate(results) if isinstance(result, Appended)]
        assert len(winners) == 1
        assert await texts(store, stream) == winners

    async def test_appends_in_a_chain_to_one_stream_all_succeed(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        """Sent at once, each expecting the one before: a store may take several of a stream in one transaction."""
        results = await asyncio.gather(
            *(outcome(store, writing(workspace, stream, str(number), expected=number)) for number in range(10))
        )
        assert [type(result) for result in results] == [Appended] * 10
        assert await texts(store, stream) == [str(number) for number in range(10)]

    async def test_numbers_are_the_workspace_s_own_and_have_no_gap(self, store: EventStore) -> None:
        one, other = workspace_in(5), workspace_in(5)
        results = await asyncio.gather(
            *(
                store.append(appending(workspace, write(workspace, new_stream(), NoteFiled(text="a"), *written("b"))))
                for workspace in (one, other) * 30
            )
        )
        assert sorted(result.numbers for result in results) == sorted(
            (number,) for number in range(1, 31) for _ in (one, other)
        )
        for workspace in (one, other):
            filed = [
                recorded.event.number
                for recorded in await everything(store)
                if recorded.workspace == workspace and isinstance(recorded.event, NoteFiled)
            ]
            assert filed == list(range(1, 31))

    async def test_one_append_may_take_several_numbers(self, store: EventStore, workspace: WorkspaceId) -> None:
        one, other = new_stream(), new_stream()
        filed = NoteFiled(text="a")
        appended = await store.append(
            appending(
                workspace,
                write(workspace, one, filed, NoteWritten(text="b"), filed),
                write(workspace, other, filed),
            )
        )
        assert appended.numbers == (1, 2, 3)

    async def test_a_conflict_gives_its_number_back(self, store: EventStore, workspace: WorkspaceId) -> None:
        taken = new_stream()
        await store.append(writing(workspace, taken, "a"))
        filed = NoteFiled(text="a")
        results = await asyncio.gather(
            *(
                outcome(
                    store,
                    appending(workspace, write(workspace, taken if number % 2 else new_stream(), filed)),
                )
                for number in range(10)
            )
        )
        numbers = [result.numbers for result in results if isinstance(result, Appended)]
        assert sorted(numbers) == [(1,), (2,), (3,), (4,), (5,)]

    async def test_numbers_and_positions_go_on_after_a_restart(
        self, store: EventStore, opener: Opener, codec: Codec, workspace: WorkspaceId
    ) -> None:
        filing = appending(workspace, write(workspace, new_stream(), NoteFiled(text="a")))
        first = await store.append(filing)
        await store.close()
        again = await opener(codec)
        second = await again.append(appending(workspace, write(workspace, new_stream(), NoteFiled(text="b"))))
        assert (first.position, second.position) == (1, 2)
        assert (first.numbers, second.numbers) == ((1,), (2,))
        assert (await again.append(filing)).repeated
        await again.close()

    async def test_an_append_without_an_event_tells_the_head(self, store: EventStore, workspace: WorkspaceId) -> None:
        assert (await store.append(appending(workspace))).position == 0
        await store.append(writing(workspace, new_stream(), "a"))
        assert (await store.append(appending(workspace))).position == 1
        assert await head(store, workspace) == 1

    async def test_a_stream_written_twice_or_without_an_event_is_a_bug(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        once = write(workspace, stream, *written("a"))
        with pytest.raises(ValueError, match="each stream once"):
            await store.append(appending(workspace, once, once))
        with pytest.raises(ValueError, match="only with events"):
            await store.append(appending(workspace, write(workspace, stream)))
        assert await head(store, workspace) == 0

    async def test_the_largest_append_is_stored(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        appended = await store.append(writing(workspace, stream, *(["a"] * APPEND_EVENTS_MAX)))
        assert appended.position == APPEND_EVENTS_MAX
        assert (await store.read(stream)).version == APPEND_EVENTS_MAX

    async def test_a_larger_one_is_refused_and_writes_nothing(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        with pytest.raises(EventTooLarge):
            await store.append(writing(workspace, stream, *(["a"] * (APPEND_EVENTS_MAX + 1))))
        with pytest.raises(EventTooLarge):
            await store.append(writing(workspace, stream, "a", "b" * EVENT_BYTES_MAX))
        assert await head(store, workspace) == 0

    async def test_a_large_event_is_stored(self, store: EventStore, workspace: WorkspaceId, stream: StreamId) -> None:
        large = "b" * (EVENT_BYTES_MAX - 1_000)
        await store.append(writing(workspace, stream, large))
        assert await texts(store, stream) == [large]

    async def test_nothing_is_sealed_for_the_erased(
        self, store: EventStore, keys: KeyRing, workspace: WorkspaceId
    ) -> None:
        person = SubjectId(new_workspace())
        await keys.destroy(person)
        with pytest.raises(KeyDestroyed):
            await store.append(appending(workspace, write(person, new_stream(), *written("a"))))
        assert await head(store, workspace) == 0

    async def test_a_closed_store_takes_nothing(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        await store.close()
        await store.close()
        with pytest.raises(Unavailable):
            await store.append(writing(workspace, stream, "a"))
        with pytest.raises(Unavailable):
            await store.read(stream)

    async def test_closing_finishes_what_was_accepted(
        self, store: EventStore, workspace: WorkspaceId, open_reader: OpenReader
    ) -> None:
        appends = [asyncio.create_task(outcome(store, writing(workspace, new_stream(), "a"))) for _ in range(50)]
        await asyncio.sleep(0)
        await store.close()
        results = await asyncio.gather(*appends)
        stored = sum(isinstance(result, Appended) for result in results)
        assert all(isinstance(result, Appended | Unavailable) for result in results)
        reader = await open_reader()
        assert len(await everything(reader)) == stored
