"""Jobs and projectors of several replicas: one does the work, all answer, and whoever slept through it does no harm."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from uuid import UUID

import pytest

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.memory.lease import MemoryLeases
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.contracts.cloud_event import CloudEvent
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position, StreamId, partition_of
from sigdep.kernel.lease import Epoch, Holder
from sigdep.kernel.projection import last_positions
from sigdep.kernel.read_store import Changes, CheckpointMoved
from sigdep.kernel.store import EventStore, RecordedEvent
from sigdep.services.jobs import Job
from sigdep.services.leased import HOLDS, WAITS, Leased
from sigdep.services.leased_projector import LeasedProjector
from sigdep.services.projecting import Build
from sigdep.services.published_log import PublishedLog
from sigdep.services.reactor import Reactor
from sigdep.services.reactor_place import PARKED
from sigdep.services.rebuilding import rebuild
from sigdep.services.verifying import verify_read_model
from sigdep.services.watching import Watcher
from sigdep.testing.sample_events import SAMPLE_EVENTS, NoteWritten, new_stream, new_workspace, writing
from sigdep.testing.sample_read_model import NOTES, note_model

LEASE_SECONDS = 1.0
WAIT_SECONDS = 10.0


@pytest.fixture
async def log() -> AsyncIterator[EventStore]:
    store = MemoryEventStore(Codec(SAMPLE_EVENTS, MemoryKeyRing()))
    yield store
    await store.close()


class DistantLeases(MemoryLeases):
    """Cannot be reached while it is told so."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False

    async def acquire(self, name: str, holder: Holder, seconds: float) -> Epoch | None:
        self._reach()
        return await super().acquire(name, holder, seconds)

    async def renew(self, name: str, epoch: Epoch, seconds: float) -> bool:
        self._reach()
        return await super().renew(name, epoch, seconds)

    async def release(self, name: str, epoch: Epoch) -> None:
        self._reach()
        await super().release(name, epoch)

    def _reach(self) -> None:
        if self.away:
            raise Unavailable("The leases are away.")


class Work:
    """A job that notes who is at it."""

    def __init__(self) -> None:
        self.at_work: list[str] = []
        self.begun: list[str] = []
        self.begun_at: dict[str, float] = {}
        self.ended_at: dict[str, float] = {}

    def by(self, replica: str) -> Job:
        async def work() -> None:
            self.begun.append(replica)
            self.begun_at[replica] = monotonic()
            self.at_work.append(replica)
            try:
                await asyncio.sleep(3_600)
            finally:
                self.at_work.remove(replica)
                self.ended_at[replica] = monotonic()

        return work


@asynccontextmanager
async def running(*jobs: Job) -> AsyncIterator[list[asyncio.Task[None]]]:
    async def run(job: Job) -> None:
        await job()

    tasks = [asyncio.create_task(run(job)) for job in jobs]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


def leased(leases: MemoryLeases, replica: str, job: Job, fault: Callable[[], str | None] = lambda: None) -> Leased:
    return Leased(leases, "work", Holder(replica), job, fault=fault, seconds=LEASE_SECONDS)


# ── a job ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_one_replica_works_and_the_others_say_that_they_wait() -> None:
    leases, work = MemoryLeases(), Work()
    replicas = [leased(leases, name, work.by(name), lambda: "It limps.") for name in ("one", "two", "three")]
    async with running(*(replica.run for replica in replicas)):
        await until(lambda: sorted(replica.state for replica in replicas) == [WAITS, WAITS, HOLDS])
        await asyncio.sleep(LEASE_SECONDS * 2)
        assert work.begun == work.at_work == ["one"]
        assert [replica.fault() for replica in replicas] == ["It limps.", None, None]


async def test_when_the_holder_stops_the_next_one_begins_without_waiting_for_the_lease_to_end() -> None:
    leases, work = MemoryLeases(), Work()
    one = Leased(leases, "work", Holder("one"), work.by("one"), seconds=3_600)
    two = Leased(leases, "work", Holder("two"), work.by("two"), seconds=3_600)
    async with running(one.run, two.run) as tasks:
        await until(lambda: work.at_work == ["one"])
        tasks[0].cancel()
        await until(lambda: work.at_work == ["two"])


async def test_a_holder_that_cannot_renew_stops_before_the_next_one_begins_and_waits_for_its_turn() -> None:
    ours, work = DistantLeases(), Work()
    theirs = MemoryLeases()
    theirs._leases = ours._leases  # The same leases, by another way that stays open.
    one, two = leased(ours, "one", work.by("one")), leased(theirs, "two", work.by("two"))
    async with running(one.run, two.run):
        await until(lambda: work.at_work == ["one"])
        ours.away = True
        await until(lambda: work.at_work == ["two"])
        # On one clock: they may be as far apart as this event loop is late.
        assert work.ended_at["one"] - work.begun_at["two"] < LEASE_SECONDS / 4
        await until(lambda: one.state.startswith("waiting"))
        assert one.fault() is not None
        ours.away = False
        await until(lambda: one.state == WAITS)
        assert work.begun == ["one", "two"]


async def test_an_outage_that_is_shorter_than_the_lease_stops_nobody() -> None:
    leases, work = DistantLeases(), Work()
    one = leased(leases, "one", work.by("one"))
    async with running(one.run):
        await until(lambda: work.at_work == ["one"])
        leases.away = True
        await asyncio.sleep(LEASE_SECONDS / 2)
        leases.away = False
        await asyncio.sleep(LEASE_SECONDS * 2)
        assert work.begun == ["one"]


async def test_a_holder_that_slept_through_the_end_of_its_lease_stops_when_it_wakes() -> None:
    leases, work = MemoryLeases(), Work()
    one = leased(leases, "one", work.by("one"))
    async with running(one.run):
        await until(lambda: one.state == HOLDS)
        leases._leases["work"].until = 0.0
        assert await leases.acquire("work", Holder("two"), 3_600) == 2
        await until(lambda: not work.at_work)
        await until(lambda: one.state == WAITS)
        assert await leases.renew("work", Epoch(2), 3_600), "What the first gave back was not the second's."


async def test_a_job_that_fails_frees_its_lease_and_says_why() -> None:
    leases = MemoryLeases()

    async def fail() -> None:
        raise ValueError("It cannot.")

    with pytest.raises(ValueError, match="It cannot"):
        await Leased(leases, "work", Holder("one"), fail, seconds=3_600).run()
    assert await leases.acquire("work", Holder("two"), 3_600) == 2


async def test_a_job_that_does_not_hear_that_it_shall_end_is_told_again() -> None:
    leases, deaf = MemoryLeases(), 2
    ended = asyncio.Event()

    async def work() -> None:
        nonlocal deaf
        while True:
            try:
                await asyncio.sleep(3_600)
            except asyncio.CancelledError:
                deaf -= 1
                if deaf <= 0:
                    ended.set()
                    raise

    one = leased(leases, "one", work)
    async with running(one.run):
        await until(lambda: one.state == HOLDS)
        leases._leases["work"].until = 0.0
        await asyncio.wait_for(ended.wait(), WAIT_SECONDS)
        await until(lambda: leases._leases["work"].epoch == 2)


# ── watching ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_watcher_tells_how_far_another_has_come_and_which_build_is_live(log: EventStore) -> None:
    read_store, stream, workspace = MemoryReadStore(), new_stream(), new_workspace()
    watcher = Watcher(read_store, note_model())
    async with running(watcher.run):
        await until(lambda: watcher.state.startswith("waiting"))
        assert not watcher.is_fit
        with pytest.raises(Unavailable):
            _ = watcher.model_id
        one = await log.append(writing(workspace, stream, "one"))
        first = await rebuild(log, read_store, note_model())
        await watcher.wait_for(one.partition, one.position)
        assert (watcher.model_id, watcher.positions) == (first, {one.partition: one.position})
        assert watcher.is_fit
        two = await log.append(writing(workspace, stream, "two", expected=1))
        second = await rebuild(log, read_store, note_model(revision=2))
        await watcher.wait_for(two.partition, two.position)
        assert watcher.model_id == second != first


async def test_who_waits_for_a_watcher_is_told_when_it_takes_too_long() -> None:
    watcher = Watcher(MemoryReadStore(), note_model())
    async with running(watcher.run):
        with pytest.raises(Unavailable, match="does not reflect"):
            await watcher.wait_for(Partition(1), Position(1), timeout_seconds=0.1)


async def test_a_watcher_looks_sooner_when_somebody_waits(log: EventStore) -> None:
    read_store, workspace = MemoryReadStore(), new_workspace()
    model = await rebuild(log, read_store, note_model())
    watcher = Watcher(read_store, note_model())
    loop = asyncio.get_running_loop()
    took = []
    async with running(watcher.run):
        await until(lambda: watcher.is_fit)
        for number in range(10):
            await asyncio.sleep(0.05)
            recorded = await log.append(writing(workspace, new_stream(), "text"))
            where = {recorded.partition: recorded.position}
            waiting = asyncio.create_task(watcher.wait_for(recorded.partition, recorded.position))
            await asyncio.sleep(0)
            began = loop.time()
            await read_store.commit(
                model, Changes((), (), ()), before={recorded.partition: Position(number)}, after=where
            )
            await waiting
            took.append(loop.time() - began)
    assert sorted(took)[5] < 0.1, took


# ── projectors ───────────────────────────────────────────────────────────────────────────────────────────


class Replicas:
    """As many processes of a read service as wanted, over one log and one read store."""

    def __init__(self, log: EventStore, stack: AsyncExitStack) -> None:
        self.log = log
        self.read_store = MemoryReadStore()
        self.leases = MemoryLeases()
        self._stack = stack
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}

    async def start(self, name: str) -> LeasedProjector:
        one = LeasedProjector(
            self.log, self.read_store, note_model(), self.leases, Holder(name), lease_seconds=LEASE_SECONDS
        )
        self._tasks[name] = await self._stack.enter_async_context(running(*one.jobs.values()))
        await until(lambda: one.is_fit)
        return one

    async def stop(self, name: str) -> None:
        for task in self._tasks[name]:
            task.cancel()
        await asyncio.gather(*self._tasks[name], return_exceptions=True)

    def end_lease(self) -> None:
        """As if its holder had been asleep."""
        self.leases._leases["notes projector"].until = 0.0

    async def texts(self, replica: LeasedProjector, stream: StreamId) -> str:
        row = await self.read_store.get(replica.model_id, NOTES, (UUID(stream.removeprefix("note-")),))
        assert row is not None
        return str(row["last"])


@pytest.fixture
async def replicas(log: EventStore) -> AsyncIterator[Replicas]:
    async with AsyncExitStack() as stack:
        yield Replicas(log, stack)


async def test_one_replica_projects_and_each_answers_what_has_been_written(replicas: Replicas) -> None:
    one, two = await replicas.start("one"), await replicas.start("two")
    assert (one.is_projecting, two.is_projecting) == (True, False)
    assert two.state == f"watching: {WAITS}"
    stream, workspace = new_stream(), new_workspace()
    for version, text in enumerate(("one", "two", "three")):
        written = await replicas.log.append(writing(workspace, stream, text, expected=version))
        for replica in (one, two):
            await replica.wait_for(written.partition, written.position)
            assert await replicas.texts(replica, stream) == text
            assert replica.positions[written.partition] == written.position
    assert one.model_id == two.model_id


async def test_when_the_projecting_replica_stops_another_goes_on_where_it_was(replicas: Replicas) -> None:
    one, two = await replicas.start("one"), await replicas.start("two")
    stream, workspace = new_stream(), new_workspace()
    await replicas.log.append(writing(workspace, stream, "one"))
    assert one.is_projecting
    await replicas.stop("one")
    written = await replicas.log.append(writing(workspace, stream, "two", expected=1))
    await two.wait_for(written.partition, written.position)  # It waited while nobody projected.
    assert await replicas.texts(two, stream) == "two"
    assert two.is_projecting
    assert await verify_read_model(replicas.log, replicas.read_store, note_model()) == []


async def test_a_replica_that_loses_its_lease_watches_and_those_who_wait_in_it_are_answered(
    replicas: Replicas,
) -> None:
    one = await replicas.start("one")
    stream, workspace = new_stream(), new_workspace()
    first = await replicas.log.append(writing(workspace, stream, "one"))
    await one.wait_for(first.partition, first.position)
    waiting = asyncio.create_task(one.wait_for(first.partition, Position(first.position + 1)))
    replicas.end_lease()
    two = await replicas.start("two")
    await until(lambda: two.is_projecting or one.is_projecting)
    await replicas.log.append(writing(workspace, stream, "two", expected=1))
    await waiting
    assert await replicas.texts(one, stream) == await replicas.texts(two, stream) == "two"


async def test_leases_that_go_to_and_fro_lose_no_event_and_project_none_twice(replicas: Replicas) -> None:
    all_of_them = [await replicas.start(name) for name in ("one", "two", "three")]
    workspaces = [new_workspace() for _ in range(5)]
    streams = [(workspace, new_stream()) for workspace in workspaces for _ in range(4)]
    for version in range(20):
        for workspace, stream in streams:
            await replicas.log.append(writing(workspace, stream, f"text {version}", expected=version))
        replicas.end_lease()
        await asyncio.sleep(0.06)
    heads = await replicas.log.heads()
    for replica in all_of_them:
        for partition, position in heads.items():
            await replica.wait_for(partition, position)
        assert replica.positions == heads
        for _, stream in streams:
            assert await replicas.texts(replica, stream) == "text 19"
    assert replicas.leases._leases["notes projector"].epoch > 2, "It went to and fro."
    assert await verify_read_model(replicas.log, replicas.read_store, note_model()) == []


async def test_what_a_projector_writes_that_slept_is_refused_by_the_checkpoint(replicas: Replicas) -> None:
    one = await replicas.start("one")
    sleeper = await Build(replicas.log, replicas.read_store, note_model(), one.model_id).load()
    stream, workspace = new_stream(), new_workspace()
    written = await replicas.log.append(writing(workspace, stream, "one", "two"))
    await one.wait_for(written.partition, written.position)
    events = (await replicas.log.read(stream)).events
    for late in (events[:1], events):
        with pytest.raises(CheckpointMoved):
            await sleeper.apply(late)
    assert await replicas.read_store.checkpoint(one.model_id) == last_positions(events)
    assert await verify_read_model(replicas.log, replicas.read_store, note_model()) == []


# ── reactors ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_reactor_goes_on_when_another_has_moved_its_checkpoint(log: EventStore) -> None:
    checkpoints, workspace = MemoryReadStore(), new_workspace()
    heard: list[str] = []

    def publish(recorded: RecordedEvent) -> CloudEvent | None:
        assert isinstance(recorded.event, NoteWritten)
        where = f"{recorded.partition}.{recorded.position}"
        return CloudEvent(
            id=where, source="/test", type="NoteWritten", time=recorded.recorded_at, data=recorded.event.text
        )

    class Listener:
        types = ()

        async def react(self, event: CloudEvent) -> None:
            heard.append(event.data)

    reactor = Reactor("listening", PublishedLog(log, publish), Listener(), checkpoints)
    async with running(reactor.run):
        await until(lambda: reactor.state == "live")
        model = await checkpoints.live("listening", (PARKED,))
        assert model is not None
        partition = partition_of(workspace)
        await checkpoints.commit(
            model, Changes((), (), ()), before={partition: Position(0)}, after={partition: Position(1)}
        )
        await log.append(writing(workspace, new_stream(), "one", "two"))
        await until(lambda: heard[-1:] == ["two"])
        await log.append(writing(workspace, new_stream(), "three"))
        await until(lambda: heard[-1:] == ["three"])
        assert reactor.state == "live"
