"""Contract of the event store, reading: streams, the whole log, the erased, old shapes, snapshots."""

import asyncio

import pytest

from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import LogDamaged
from sigdep.kernel.ids import Partition, Position, StreamId, SubjectId, Version, WorkspaceId, partition_of
from sigdep.kernel.keys import KeyDestroyed, KeyRing
from sigdep.kernel.store import EventStore, Snapshot
from sigdep.testing.event_store_setup import (
    EventStoreSetup,
    Opener,
    OpenReader,
    everything,
    texts,
)
from sigdep.testing.sample_events import (
    FORMER_EVENTS,
    Former,
    NoteFiled,
    NoteRenamed,
    NoteWritten,
    appending,
    new_stream,
    new_workspace,
    workspace_in,
    write,
    writing,
    written,
)


class ReadingContract(EventStoreSetup):
    async def test_an_unknown_stream_is_empty(self, store: EventStore, stream: StreamId) -> None:
        found = await store.read(stream)
        assert (list(found.events), found.version) == ([], 0)

    async def test_part_of_a_stream(self, store: EventStore, workspace: WorkspaceId, stream: StreamId) -> None:
        await store.append(writing(workspace, stream, "a", "b", "c", "d"))
        for after, until, expected in ((0, 4, "abcd"), (1, 3, "bc"), (0, 1, "a"), (3, None, "d"), (2, 99, "cd")):
            found = await store.read(stream, after=Version(after), until=None if until is None else Version(until))
            assert "".join(e.event.text for e in found.events if isinstance(e.event, NoteWritten)) == expected
            assert [recorded.version for recorded in found.events] == list(range(after + 1, after + 1 + len(expected)))
            assert found.version == after + len(expected)
        for after, until in ((4, None), (9, None), (2, 2), (3, 1)):
            found = await store.read(stream, after=Version(after), until=None if until is None else Version(until))
            assert (list(found.events), found.version) == ([], after)

    async def test_a_write_is_read_at_once(self, store: EventStore, workspace: WorkspaceId) -> None:
        for number in range(50):
            stream = new_stream()
            await store.append(writing(workspace, stream, str(number)))
            assert await texts(store, stream) == [str(number)]

    async def test_another_store_on_the_same_data_sees_it_at_once(
        self, store: EventStore, open_reader: OpenReader, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        reader = await open_reader()
        for number in range(20):
            await store.append(writing(workspace, stream, str(number), expected=number))
            assert (await reader.read(stream)).version == number + 1
            assert (await reader.heads())[partition_of(workspace)] == number + 1

    async def test_the_log_is_read_in_pieces_each_partition_in_order(self, store: EventStore) -> None:
        workspaces = [workspace_in(number) for number in (3, 3, 9, 40)]
        await asyncio.gather(
            *(store.append(writing(workspace, new_stream(), "a", "b")) for workspace in workspaces * 5)
        )
        for limit in (1, 3, 7, 1_000):
            reached: dict[Partition, Position] = {}
            pieces = 0
            while batch := await store.read_all(reached, limit=limit):
                assert len(batch) <= limit
                for recorded in batch:
                    assert recorded.position == reached.get(recorded.partition, 0) + 1
                    reached[recorded.partition] = recorded.position
                pieces += 1
            assert reached == {3: 20, 9: 10, 40: 10} == await store.heads()
            assert pieces >= 40 / limit

    async def test_what_has_been_read_is_left_out(self, store: EventStore) -> None:
        one, other = workspace_in(1), workspace_in(2)
        await store.append(writing(one, new_stream(), "a", "b", "c"))
        await store.append(writing(other, new_stream(), "d", "e"))
        rest = await everything(store, {Partition(1): Position(2), Partition(7): Position(0)})
        assert {(recorded.partition, recorded.position) for recorded in rest} == {(1, 3), (2, 1), (2, 2)}
        assert list(await store.read_all(await store.heads())) == []

    async def test_a_busy_partition_does_not_hold_up_the_others(self, store: EventStore) -> None:
        busy, quiet = workspace_in(1), workspace_in(2)
        await store.append(writing(busy, new_stream(), *(["a"] * 50)))
        await store.append(writing(quiet, new_stream(), "b"))
        reached: dict[Partition, Position] = {}
        for _ in range(10):
            for recorded in await store.read_all(reached, limit=10):
                reached[recorded.partition] = recorded.position
            await store.append(writing(busy, new_stream(), *(["a"] * 20)))
        assert reached[Partition(2)] == 1

    async def test_any_place_in_the_log_can_be_read_on_from(self, store: EventStore) -> None:
        """Also one where no reader has ever been."""
        workspaces = [workspace_in(number) for number in (1, 2, 3)]
        for number in range(200):
            await store.append(writing(workspaces[number % 3], new_stream(), "a", "b"))
        heads = await store.heads()
        for first, second, third in ((0, 1, 133), (100, 0, 7), (134, 132, 131), (1, 134, 0)):
            after = {Partition(1): Position(first), Partition(2): Position(second), Partition(3): Position(third)}
            rest = await everything(store, after)
            for partition, start in after.items():
                positions = [recorded.position for recorded in rest if recorded.partition == partition]
                assert positions == list(range(start + 1, heads[partition] + 1))

    async def test_what_the_erased_said_is_gone_and_the_chain_holds(
        self, store: EventStore, keys: KeyRing, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        person = SubjectId(new_workspace())
        await store.append(appending(workspace, write(person, stream, *written("my name"), NoteFiled(text="mine"))))
        await store.append(writing(workspace, new_stream(), "ours"))
        await keys.destroy(person)
        found = (await store.read(stream)).events
        assert [(recorded.event, recorded.type) for recorded in found] == [
            (None, "NoteWritten"),
            (None, "NoteFiled"),
        ]
        assert [recorded.event for recorded in await everything(store)] == [None, None, *written("ours")]
        report = await store.verify(partition_of(workspace))
        assert (report.events, list(report.faults)) == (3, [])

    async def test_an_event_of_a_former_release_is_read_in_its_present_shape(
        self, store: EventStore, opener: Opener, keys: KeyRing, codec: Codec, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        await store.close()
        former = await opener(Codec(FORMER_EVENTS, keys))
        await former.append(appending(workspace, write(workspace, stream, Former.NoteRenamed(title="old"))))
        await former.close()
        present = await opener(codec)
        await present.append(appending(workspace, write(workspace, stream, NoteRenamed(name="new"), expected=1)))
        found = [recorded.event for recorded in (await present.read(stream)).events]
        assert found == [NoteRenamed(name="old"), NoteRenamed(name="new")]
        await present.close()

    async def test_an_event_of_an_unknown_type_halts_the_reader(
        self, store: EventStore, opener: Opener, keys: KeyRing, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        await store.append(writing(workspace, stream, "a"))
        await store.close()
        other = await opener(Codec([NoteFiled], keys))
        for reading in (other.read(stream), other.read_all({}), anext(other.follow({}))):
            with pytest.raises(LogDamaged, match="NoteWritten"):
                await reading
        await other.close()

    async def test_a_snapshot_comes_back(self, store: EventStore, workspace: WorkspaceId, stream: StreamId) -> None:
        snapshot = snapshot_of(stream, workspace, 3)
        assert await store.load_snapshot(stream, "s1") is None
        await store.save_snapshot(snapshot)
        assert await store.load_snapshot(stream, "s1") == snapshot

    async def test_a_snapshot_of_another_schema_is_ignored(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        await store.save_snapshot(snapshot_of(stream, workspace, 3))
        assert await store.load_snapshot(stream, "s2") is None

    async def test_a_newer_snapshot_replaces_an_older_one_and_never_the_reverse(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        for version in (3, 9, 5):
            await store.save_snapshot(snapshot_of(stream, workspace, version))
        found = await store.load_snapshot(stream, "s1")
        assert found is not None
        assert found.version == 9

    async def test_a_snapshot_of_the_erased_is_gone(self, store: EventStore, keys: KeyRing, stream: StreamId) -> None:
        person = new_workspace()
        await store.save_snapshot(snapshot_of(stream, person, 3))
        await keys.destroy(SubjectId(person))
        assert await store.load_snapshot(stream, "s1") is None
        with pytest.raises(KeyDestroyed):
            await store.save_snapshot(snapshot_of(stream, person, 4))


def snapshot_of(stream: StreamId, subject: WorkspaceId, version: int) -> Snapshot:
    return Snapshot(
        stream=stream,
        subject=SubjectId(subject),
        version=Version(version),
        schema="s1",
        state=b'{"text":"%d"}' % version,
    )
