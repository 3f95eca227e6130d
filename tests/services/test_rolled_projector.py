"""A release with other tables comes beside the former one: it makes its rows, answers, and takes over last."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.memory.lease import MemoryLeases
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.kernel.codec import Codec
from sigdep.kernel.document_model import DocumentModel, document_table
from sigdep.kernel.ids import StreamId
from sigdep.kernel.lease import Holder
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import Column, ModelId, Row, Table
from sigdep.kernel.store import EventStore
from sigdep.services import rolled_projector
from sigdep.services.jobs import Jobs
from sigdep.services.projecting import tables_of
from sigdep.services.rolled_projector import RolledProjector
from sigdep.services.verifying import verify_read_model
from sigdep.testing.sample_events import SAMPLE_EVENTS, new_stream, new_workspace, writing
from sigdep.testing.sample_read_model import NOTE, NOTES, Note, columns, note_model

LEASE_SECONDS = 1.0
WAIT_SECONDS = 30.0
HAND_OVERS = 5


def _wider(note: Note) -> Row:
    return {**columns(note), "first": note.texts[0] if note.texts else None}


def newer_model() -> ReadModel:
    """Of the next release, which has one column more."""
    return DocumentModel("notes", document_table("notes", NOTE.schema, _COLUMNS), NOTE, _wider, revision=2)


_COLUMNS = [Column("last", "text"), Column("count", "integer"), Column("first", "text")]


class Held(MemoryReadStore):
    """Begins no build while it may not."""

    def __init__(self) -> None:
        super().__init__()
        self.may_begin = asyncio.Event()
        self.may_begin.set()

    async def prepare(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId:
        await self.may_begin.wait()
        return await super().prepare(name, tables, fingerprint)


class Rollout:
    """Processes of two releases, over one log and one read store."""

    def __init__(self, log: EventStore, stack: AsyncExitStack) -> None:
        self.log = log
        self.read_store = Held()
        self.leases = MemoryLeases()
        self._stack = stack
        self._jobs: dict[str, Jobs] = {}

    async def start(self, name: str, read_model: ReadModel) -> RolledProjector:
        one = RolledProjector(
            self.log, self.read_store, read_model, self.leases, Holder(name), lease_seconds=LEASE_SECONDS
        )
        self._jobs[name] = jobs = await self._stack.enter_async_context(Jobs())
        for job_name, job in one.jobs.items():
            jobs.start(job_name, job)
        await self.until(lambda: one.is_fit)
        return one

    async def stop(self, name: str) -> None:
        await self._jobs[name].__aexit__(None, None, None)

    async def until(self, condition: object) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not condition():  # type: ignore[operator]
                await asyncio.sleep(0.01)

    async def live(self) -> ModelId | None:
        return await self.read_store.live("notes", None)

    async def write_and_read(self, *replicas: RolledProjector) -> None:
        """Each of them answers what has just been written."""
        stream = new_stream()
        written = await self.log.append(writing(new_workspace(), stream, "first", stream))
        for replica in replicas:
            await replica.wait_for(written.partition, written.position, WAIT_SECONDS)
            assert await self._last(replica, stream) == stream

    async def _last(self, replica: RolledProjector, stream: StreamId) -> object:
        row = await self.read_store.get(replica.model_id, NOTES, (UUID(stream.removeprefix("note-")),))
        return None if row is None else row["last"]


@pytest.fixture
async def rollout() -> AsyncIterator[Rollout]:
    log = MemoryEventStore(Codec(SAMPLE_EVENTS, MemoryKeyRing()))
    async with AsyncExitStack() as stack:
        yield Rollout(log, stack)
    await log.close()


async def test_a_newcomer_answers_while_the_former_release_serves_and_takes_over_when_that_has_gone(
    rollout: Rollout,
) -> None:
    old = await rollout.start("old", note_model())
    await rollout.write_and_read(old)
    former = await rollout.live()
    new = await rollout.start("new", newer_model())
    assert new.is_early
    assert (old.is_projecting, old.model_id) == (True, former)
    assert new.model_id != former
    for _ in range(5):
        await rollout.write_and_read(old, new)
    assert await rollout.live() == former
    await rollout.stop("old")
    await rollout.write_and_read(new)  # While the lease is left to others.
    await rollout.until(lambda: not new.is_early)
    assert await rollout.live() == new.model_id
    assert new.is_projecting
    await rollout.write_and_read(new)
    assert await verify_read_model(rollout.log, rollout.read_store, newer_model()) == []


async def test_of_two_newcomers_one_fills_and_the_other_watches_and_goes_on_when_it_ends(rollout: Rollout) -> None:
    old = await rollout.start("old", note_model())
    await rollout.write_and_read(old)
    former = await rollout.live()
    one, two = await rollout.start("one", newer_model()), await rollout.start("two", newer_model())
    assert one.model_id == two.model_id != former
    assert (one.is_projecting, two.is_projecting) == (True, False)
    await rollout.write_and_read(old, one, two)
    await rollout.stop("one")
    await rollout.write_and_read(old, two)
    assert two.is_projecting
    three = await rollout.start("three", newer_model())
    await rollout.write_and_read(old, two, three)
    assert await rollout.live() == former
    await rollout.stop("old")
    await rollout.until(lambda: not two.is_early and not three.is_early)
    await rollout.write_and_read(two, three)
    assert [one.is_projecting for one in (two, three)].count(True) == 1
    assert await verify_read_model(rollout.log, rollout.read_store, newer_model()) == []


async def test_the_lease_goes_to_a_replica_of_the_former_release_as_long_as_one_runs(rollout: Rollout) -> None:
    """It keeps what the newcomer makes, too."""
    first, second = await rollout.start("first", note_model()), await rollout.start("second", note_model())
    await rollout.write_and_read(first, second)
    former = await rollout.live()
    new = await rollout.start("new", newer_model())
    made = new.model_id
    await rollout.stop("first")
    for number in range(HAND_OVERS):  # Were it left to chance, it would be the newcomer's now and then.
        await rollout.until(lambda second=second: second.is_projecting or not new.is_early)
        assert new.is_early
        await rollout.write_and_read(second, new)
        last, second = second, await rollout.start(f"another {number}", note_model())
        await rollout.stop("second" if number == 0 else f"another {number - 1}")
        assert not last.is_projecting
    await rollout.until(lambda: second.is_projecting)
    await asyncio.sleep(2 * rolled_projector.OFFERED_SECONDS)
    assert (await rollout.live(), new.model_id, new.is_early) == (former, made, True)
    await rollout.write_and_read(second, new)
    await rollout.stop(f"another {HAND_OVERS - 1}")
    await rollout.until(lambda: not new.is_early)
    assert await rollout.live() == made


async def test_a_newcomer_that_comes_when_the_former_release_has_been_stopped_takes_over_by_itself(
    rollout: Rollout,
) -> None:
    old = await rollout.start("old", note_model())
    await rollout.write_and_read(old)
    former = await rollout.live()
    await rollout.stop("old")
    new = await rollout.start("new", newer_model())
    await rollout.write_and_read(new)
    await rollout.until(lambda: not new.is_early)
    assert former != await rollout.live() == new.model_id
    await rollout.write_and_read(new)


async def test_a_newcomer_whose_rows_were_dropped_makes_them_anew_and_says_so(
    rollout: Rollout, capsys: pytest.CaptureFixture[str]
) -> None:
    old = await rollout.start("old", note_model())
    await rollout.write_and_read(old)
    new = await rollout.start("new", newer_model())
    made = new.model_id
    rollout.read_store.may_begin.clear()
    await rollout.read_store.sweep("notes")  # As a release before this one does at its start.
    await rollout.until(lambda: not new.is_fit)
    assert not new.has_build
    rollout.read_store.may_begin.set()
    await rollout.until(lambda: new.has_build and new.model_id != made)
    await rollout.write_and_read(old, new)
    assert "the build that was served is not the live one any more" in capsys.readouterr().out
    await rollout.stop("old")
    await rollout.until(lambda: not new.is_early)
    assert await verify_read_model(rollout.log, rollout.read_store, newer_model()) == []


async def test_the_first_replicas_of_all_and_those_of_the_same_tables_do_not_come_early(rollout: Rollout) -> None:
    first = await rollout.start("first", note_model())
    assert not first.is_early
    await rollout.write_and_read(first)
    again = await rollout.start("again", note_model(revision=2))
    assert not again.is_early
    assert again.model_id == first.model_id
    assert tables_of(newer_model()) != tables_of(note_model())
