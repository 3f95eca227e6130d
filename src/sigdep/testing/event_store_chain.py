# ruff: noqa: S608  The statements are ours.
"""Contract of the event store, proof: the hash chain finds every change of the past; SQL stores refuse to make one."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import pytest

from sigdep.kernel.errors import LogDamaged
from sigdep.kernel.ids import Partition, StreamId, WorkspaceId
from sigdep.kernel.store import EventStore
from sigdep.testing.event_store_setup import EventStoreSetup, everything
from sigdep.testing.sample_events import NoteFiled, appending, new_stream, workspace_in, write, writing, written

PARTITION = Partition(7)


class ChainContract(EventStoreSetup):
    async def test_an_empty_partition_verifies(self, store: EventStore) -> None:
        report = await store.verify(PARTITION)
        assert (report.events, report.head, list(report.faults)) == (0, bytes(32), [])

    async def test_what_was_written_verifies(self, store: EventStore) -> None:
        for _ in range(3):
            await asyncio.gather(
                *(store.append(writing(workspace_in(PARTITION), new_stream(), "a", "b")) for _ in range(10))
            )
        report = await store.verify(PARTITION)
        assert (report.partition, report.events, list(report.faults)) == (PARTITION, 60, [])
        assert await store.verify(PARTITION) == report

    async def test_every_batch_moves_the_head_of_the_chain(self, store: EventStore) -> None:
        heads = set()
        for _ in range(5):
            await store.append(writing(workspace_in(PARTITION), new_stream(), "a"))
            heads.add((await store.verify(PARTITION)).head)
        assert len(heads) == 5


class SqlChainContract(EventStoreSetup):
    """For stores with a table `event` whose columns are named as the fields of StoredRow."""

    append_only_tables: ClassVar[Sequence[str]] = ("event", "link")
    change_link: ClassVar[str] = (
        "UPDATE link SET hash = (SELECT hash FROM link WHERE last_position = 1) WHERE last_position = 4"
    )
    """Puts the link of the batch that ends at position 1 in place of the one that ends at 4."""
    remove_link: ClassVar[str | None] = "DELETE FROM link WHERE last_position = 5"
    """Removes the link of the batch that ends at position 5. None: it goes with the event."""

    async def execute(self, statement: str) -> None:
        """Run one statement on the store's database, as any program with its address could. Raises what it raises."""
        raise NotImplementedError

    async def tamper(self, statement: str) -> None:
        """The same as somebody who first removes whatever guards the tables."""
        raise NotImplementedError

    @pytest.fixture
    async def five(self, store: EventStore) -> WorkspaceId:
        """A workspace in PARTITION with five events in positions 1 to 5, in batches of 1, 3 and 1."""
        workspace = workspace_in(PARTITION)
        filed = NoteFiled(text="filed")
        await store.append(writing(workspace, new_stream(), "first"))
        await store.append(appending(workspace, write(workspace, new_stream(), filed, *written("x", "y"))))
        await store.append(writing(workspace, new_stream(), "last"))
        return workspace

    @pytest.mark.parametrize(
        "change",
        [
            "payload = (SELECT payload FROM event WHERE position = 1)",
            "metadata = (SELECT payload FROM event WHERE position = 1)",
            "recorded_us = recorded_us + 1",
            "number = 7",
            "number = NULL",
            "version = 9",
            "stream = 'note-other'",
            "type = 'NoteWritten'",
            "schema_version = 3",
            "workspace = subject, subject = command_id",
            "command_id = workspace",
        ],
    )
    async def test_a_changed_event_is_pinned_to_its_batch(
        self, store: EventStore, five: WorkspaceId, change: str
    ) -> None:
        await self.tamper(f"UPDATE event SET {change} WHERE position = 2")
        report = await store.verify(PARTITION)
        assert [(fault.first_position, fault.last_position) for fault in report.faults] == [(2, 4)]

    async def test_a_moved_event_is_found(self, store: EventStore, five: WorkspaceId) -> None:
        await self.tamper("UPDATE event SET position = 77 WHERE position = 2")
        found = {(fault.first_position, fault.last_position) for fault in (await store.verify(PARTITION)).faults}
        assert found == {(2, 4), (6, 77)}

    async def test_two_swapped_events_are_found(self, store: EventStore, five: WorkspaceId) -> None:
        for before, after in ((2, 99), (3, 2), (99, 3)):
            await self.tamper(f"UPDATE event SET position = {after} WHERE position = {before}")
        assert [fault.first_position for fault in (await store.verify(PARTITION)).faults] == [2]

    @pytest.mark.parametrize("position", [1, 2, 3, 4, 5])
    async def test_a_removed_event_is_found(self, store: EventStore, five: WorkspaceId, position: int) -> None:
        await self.tamper(f"DELETE FROM event WHERE position = {position}")
        [fault] = (await store.verify(PARTITION)).faults
        assert fault.first_position <= position <= fault.last_position

    async def test_a_removed_end_is_found(self, store: EventStore, five: WorkspaceId) -> None:
        await self.tamper("DELETE FROM event WHERE position = 5")
        if self.remove_link is not None:
            await self.tamper(self.remove_link)
        [fault] = (await store.verify(PARTITION)).faults
        assert (fault.first_position, fault.last_position) == (5, 5)

    async def test_a_changed_link_is_found(self, store: EventStore, five: WorkspaceId) -> None:
        await self.tamper(self.change_link)
        assert (await store.verify(PARTITION)).faults

    @pytest.mark.parametrize("position", [1, 2, 3, 4])
    async def test_a_hole_halts_the_reader(self, store: EventStore, five: WorkspaceId, position: int) -> None:
        await self.tamper(f"DELETE FROM event WHERE position = {position}")
        with pytest.raises(LogDamaged):
            await everything(store)
        with pytest.raises(LogDamaged):
            await _follow_to_the_end(store)

    async def test_a_missing_end_halts_the_reader(self, store: EventStore, five: WorkspaceId) -> None:
        await self.tamper("DELETE FROM event WHERE position = 5")
        with pytest.raises(LogDamaged):
            await everything(store)

    async def test_a_hole_halts_the_reader_of_a_stream(
        self, store: EventStore, five: WorkspaceId, stream: StreamId
    ) -> None:
        await store.append(writing(five, stream, "a", "b", "c"))
        await self.tamper("DELETE FROM event WHERE position = 7")
        with pytest.raises(LogDamaged):
            await store.read(stream)

    @pytest.mark.parametrize("statement", ["UPDATE {} SET partition = partition", "DELETE FROM {}"])
    async def test_the_database_itself_refuses_to_change_the_past(
        self, store: EventStore, five: WorkspaceId, statement: str
    ) -> None:
        for table in self.append_only_tables:
            with pytest.raises(Exception, match="append-only"):
                await self.execute(statement.format(table))
        assert len(await everything(store)) == 5
        assert not (await store.verify(PARTITION)).faults


async def _follow_to_the_end(store: EventStore) -> None:
    async for _ in store.follow({}):
        pass
