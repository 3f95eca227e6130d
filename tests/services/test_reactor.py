"""A reactor: every public event is acted on, in order, also after a restart and a failure."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.public_log import PublicBatch
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Position, Positions
from sigdep.kernel.read_store import Changes, CheckpointMoved
from sigdep.kernel.store import EventStore, RecordedEvent
from sigdep.services import reactor as reactor_module
from sigdep.services.back_off import PAUSE_SECONDS_MAX
from sigdep.services.published_log import PublishedLog
from sigdep.services.reactor import Reactor
from sigdep.services.reactor_place import Place
from sigdep.testing.sample_events import SAMPLE_EVENTS, NoteWritten, new_stream, new_workspace, writing
from tests.services.conftest import Pauses


def publish(recorded: RecordedEvent) -> CloudEvent | None:
    """All but the private notes."""
    match recorded.event:
        case NoteWritten(text=text) if text != "private":
            where = f"{recorded.partition}.{recorded.position}"
            return CloudEvent(
                id=where,
                source="/test",
                type="NoteWritten",
                time=recorded.recorded_at,
                subject=recorded.stream,
                data=text,
            )
    return None


def memory_log() -> MemoryEventStore:
    return MemoryEventStore(Codec(SAMPLE_EVENTS, MemoryKeyRing()))


class Listener:
    """Reactions that keep what they heard, and fail as often as they are told to."""

    def __init__(self, failures: int = 0) -> None:
        self.types = ("NoteWritten",)
        self.heard: list[str] = []
        self.failures = failures
        self.complete = asyncio.Event()
        self.expected = 0

    async def react(self, event: CloudEvent) -> None:
        if self.failures > 0:
            self.failures -= 1
            raise Unavailable("Away for a moment.")
        self.heard.append(event.data)
        if len(self.heard) == self.expected:
            self.complete.set()

    async def wait(self, expected: int) -> None:
        self.expected = expected
        if len(self.heard) < expected:
            await asyncio.wait_for(self.complete.wait(), 10)


def listener_of(reactor: Reactor) -> Listener:
    assert isinstance(reactor._reactions, Listener)
    return reactor._reactions


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the pauses are tested here."""
    monkeypatch.setattr(reactor_module, "PAUSES_SECONDS", (0.0, 0.0))


@asynccontextmanager
async def running(log: EventStore, checkpoints: MemoryReadStore, listener: Listener) -> AsyncIterator[Reactor]:
    reactor = Reactor("listening", PublishedLog(log, publish), listener, checkpoints)
    job = asyncio.create_task(reactor.run())
    yield reactor
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)


async def test_public_events_are_acted_on_in_order_and_private_ones_are_not() -> None:
    log, listener, workspace = memory_log(), Listener(), new_workspace()
    await log.append(writing(workspace, new_stream(), "one", "private", "two"))
    async with running(log, MemoryReadStore(), listener):
        await log.append(writing(workspace, new_stream(), "three"))
        await listener.wait(3)
    assert listener.heard == ["one", "two", "three"]


async def test_after_a_restart_it_goes_on_where_it_was() -> None:
    log, checkpoints, workspace = memory_log(), MemoryReadStore(), new_workspace()
    first, second = Listener(), Listener()
    await log.append(writing(workspace, new_stream(), "one"))
    async with running(log, checkpoints, first):
        await first.wait(1)
        await log.append(writing(workspace, new_stream(), "two"))
        await first.wait(2)
        await asyncio.sleep(0.05)
    await log.append(writing(workspace, new_stream(), "three"))
    async with running(log, checkpoints, second):
        await second.wait(1)
    assert (first.heard, second.heard) == (["one", "two"], ["three"])


async def test_an_outage_is_waited_for_before_the_next_reaction_begins() -> None:
    log, listener = memory_log(), Listener(failures=2)
    await log.append(writing(new_workspace(), new_stream(), "one", "two"))
    async with running(log, MemoryReadStore(), listener) as reactor:
        await listener.wait(2)
        assert reactor.state == "live"
    assert listener.heard == ["one", "two"]


class Away:
    """A PublicLog that ends each time, after it has been asked how far the log goes."""

    def __init__(self) -> None:
        self.is_there = False
        self.states: list[str] = []
        self.reactor: Reactor | None = None

    async def heads(self) -> Positions:
        assert self.reactor is not None
        self.states.append(self.reactor.state)
        if not self.is_there:
            raise Unavailable("The log is away.")
        return {}

    async def follow(self, after: Positions, types: Collection[str] = ()) -> AsyncGenerator[PublicBatch, None]:
        raise Unavailable("The log is away.")
        yield


@pytest.mark.parametrize("is_there", [False, True])
async def test_a_log_that_is_away_is_asked_less_and_less_often(pauses: Pauses, is_there: bool) -> None:
    log = Away()
    log.is_there = is_there
    reactor = log.reactor = Reactor("listening", log, Listener(), MemoryReadStore(), heads=log.heads)
    job = asyncio.create_task(reactor.run())
    async with asyncio.timeout(10):
        while len(pauses) <= 8:
            await asyncio.sleep(0.01)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    assert pauses[:6] == [0.1, 0.2, 0.4, 0.8, PAUSE_SECONDS_MAX, PAUSE_SECONDS_MAX]
    assert "live" not in log.states
    assert reactor.fault() == "It is waiting: The log is away.."


async def test_it_is_not_said_to_follow_before_anybody_has_answered() -> None:
    answered = asyncio.Event()

    async def heads() -> Positions:
        await answered.wait()
        return {}

    reactor = Reactor("listening", PublishedLog(memory_log(), publish), Listener(), MemoryReadStore(), heads=heads)
    job = asyncio.create_task(reactor.run())
    await asyncio.sleep(0.1)
    assert reactor.fault() == "It is starting."
    answered.set()
    async with asyncio.timeout(10):
        while reactor.fault() is not None:
            await asyncio.sleep(0.01)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)


async def test_a_checkpoint_that_moves_each_time_is_no_reason_to_spin(
    pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def moved(_place: Place, _batch: PublicBatch) -> None:
        raise CheckpointMoved("listening")

    monkeypatch.setattr(Place, "move", moved)
    log, listener = memory_log(), Listener()
    await log.append(writing(new_workspace(), new_stream(), "one"))
    async with running(log, MemoryReadStore(), listener):
        async with asyncio.timeout(10):
            while len(pauses) <= 8:
                await asyncio.sleep(0.01)
    assert pauses[:6] == [0.1, 0.2, 0.4, 0.8, PAUSE_SECONDS_MAX, PAUSE_SECONDS_MAX]


# ── an event on which the reaction fails ─────────────────────────────────────────────────────────────────


class Choosy(Listener):
    """Cannot bear some events."""

    def __init__(self, *poison: str) -> None:
        super().__init__()
        self.poison = poison

    async def react(self, event: CloudEvent) -> None:
        if event.data in self.poison:
            raise ValueError(f"{event.data} cannot be.")
        await super().react(event)


async def test_a_stream_whose_event_fails_is_set_aside_and_the_others_go_on(quick: None) -> None:
    log, checkpoints, workspace = memory_log(), MemoryReadStore(), new_workspace()
    poisoned, healthy = new_stream(), new_stream()
    await log.append(writing(workspace, poisoned, "a1", "poison", "a2"))
    await log.append(writing(workspace, healthy, "b1", "b2"))
    async with running(log, checkpoints, Choosy("poison")) as reactor:
        listener = listener_of(reactor)
        await listener.wait(3)
        await log.append(writing(workspace, poisoned, "a3", expected=3))
        await log.append(writing(workspace, healthy, "b3", expected=2))
        await listener.wait(4)
        assert (reactor.parked_streams, reactor.fault()) == (1, None)
    assert listener.heard == ["a1", "b1", "b2", "b3"]


async def test_after_the_fix_what_was_set_aside_is_heard_in_order_and_nothing_else_again(quick: None) -> None:
    log, checkpoints, workspace = memory_log(), MemoryReadStore(), new_workspace()
    poisoned, healthy = new_stream(), new_stream()
    await log.append(writing(workspace, poisoned, "a1"))
    await log.append(writing(workspace, healthy, "b1"))
    async with running(log, checkpoints, Choosy("poison")) as reactor:
        await listener_of(reactor).wait(2)
        await log.append(writing(workspace, poisoned, "poison", "a2", expected=1))
        await log.append(writing(workspace, healthy, "b2", expected=1))
        await listener_of(reactor).wait(3)
        await asyncio.sleep(0.1)
    async with running(log, checkpoints, Choosy("poison")) as reactor:  # A start that changes nothing.
        await log.append(writing(workspace, healthy, "b3", expected=2))
        await listener_of(reactor).wait(1)
        assert (listener_of(reactor).heard, reactor.parked_streams) == (["b3"], 1)
        await asyncio.sleep(0.1)
    async with running(log, checkpoints, Listener()) as reactor:
        await listener_of(reactor).wait(2)
        async with asyncio.timeout(10):
            while reactor.state != "live":
                await asyncio.sleep(0.01)
        await log.append(writing(workspace, poisoned, "a3", expected=3))
        await listener_of(reactor).wait(3)
        assert (listener_of(reactor).heard, reactor.parked_streams) == (["poison", "a2", "a3"], 0)


async def test_who_stops_right_after_setting_a_stream_aside_hears_it_again(quick: None) -> None:
    log, checkpoints, workspace = memory_log(), MemoryReadStore(), new_workspace()
    appended = await log.append(writing(workspace, new_stream(), "poison"))
    place = await Place.load("listening", checkpoints)
    (recorded,) = (await log.read_all({}))[:1]
    event = publish(recorded)
    assert event is not None
    await place.park(event, PublicBatch(events=[event], reached={appended.partition: appended.position}), ValueError())
    async with running(log, checkpoints, Listener()) as reactor:
        await listener_of(reactor).wait(1)
        assert (listener_of(reactor).heard, reactor.parked_streams) == (["poison"], 0)


async def test_a_reactor_goes_on_from_where_a_former_release_has_come() -> None:
    log, checkpoints, workspace = memory_log(), MemoryReadStore(), new_workspace()
    appended = await log.append(writing(workspace, new_stream(), "one"))
    former = await checkpoints.prepare("listening", (), "1")
    await checkpoints.switch(former, ())
    before, after = {appended.partition: Position(0)}, {appended.partition: appended.position}
    await checkpoints.commit(former, Changes((), (), ()), before=before, after=after)
    listener = Listener()
    async with running(log, checkpoints, listener):
        await log.append(writing(workspace, new_stream(), "two"))
        await listener.wait(1)
    assert listener.heard == ["two"]


async def test_a_checkpoint_is_stored_at_most_once_a_second_and_at_the_end() -> None:
    class Counting(MemoryReadStore):
        commits = 0

        async def commit(self, *args: Any, **named: Any) -> None:
            Counting.commits += 1
            await super().commit(*args, **named)

    log, checkpoints, workspace, listener = memory_log(), Counting(), new_workspace(), Listener()
    begun = asyncio.get_running_loop().time()
    async with running(log, checkpoints, listener):
        for number in range(50):
            await log.append(writing(workspace, new_stream(), str(number)))
            await listener.wait(number + 1)
    seconds = asyncio.get_running_loop().time() - begun
    assert Counting.commits <= 3 + seconds  # To begin with, each second, and at the end.
    async with running(log, checkpoints, again := Listener()):
        await log.append(writing(workspace, new_stream(), "next"))
        await again.wait(1)
    assert again.heard == ["next"]
