"""A reactor: every public event is acted on, in order, also after a restart and a failure."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.contracts.cloud_event import CloudEvent
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.store import EventStore, RecordedEvent
from sigdep.services.reactor import Reactor
from sigdep.testing.sample_events import SAMPLE_EVENTS, NoteWritten, new_stream, new_workspace, writing


def publish(recorded: RecordedEvent) -> CloudEvent | None:
    """All but the private notes."""
    match recorded.event:
        case NoteWritten(text=text) if text != "private":
            where = f"{recorded.partition}.{recorded.position}"
            return CloudEvent(id=where, source="/test", type="NoteWritten", time=recorded.recorded_at, data=text)
    return None


def memory_log() -> MemoryEventStore:
    return MemoryEventStore(Codec(SAMPLE_EVENTS, MemoryKeyRing()))


class Listener:
    """A reaction that keeps what it heard, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.heard: list[str] = []
        self.failures = failures
        self.complete = asyncio.Event()
        self.expected = 0

    async def __call__(self, event: CloudEvent) -> None:
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


@asynccontextmanager
async def running(log: EventStore, checkpoints: MemoryReadStore, listener: Listener) -> AsyncIterator[Reactor]:
    reactor = Reactor("listening", log, publish, listener, checkpoints)
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


async def test_a_reaction_that_fails_is_tried_again_before_the_next_begins() -> None:
    log, listener = memory_log(), Listener(failures=2)
    await log.append(writing(new_workspace(), new_stream(), "one", "two"))
    async with running(log, MemoryReadStore(), listener) as reactor:
        await listener.wait(2)
        assert reactor.state == "live"
    assert listener.heard == ["one", "two"]
