"""How far followers are behind: right when there is nothing to do, and growing when one has stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.gateway.figures import Figures
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import LogDamaged, Unavailable
from sigdep.kernel.ids import Position, Positions
from sigdep.services.observing.lag import FollowedLog, Follower
from sigdep.services.observing.watch import Watch
from sigdep.services.projector import Projector
from sigdep.testing.sample_events import SAMPLE_EVENTS, new_stream, new_workspace, workspace_in, writing
from sigdep.testing.sample_read_model import note_model
from tests.services.test_projector import Fussy

SECONDS_MAX = 20.0


def memory_log() -> MemoryEventStore:
    return MemoryEventStore(Codec(SAMPLE_EVENTS, MemoryKeyRing()))


@asynccontextmanager
async def projecting(projector: Projector) -> AsyncIterator[None]:
    job = asyncio.create_task(projector.run())
    try:
        yield
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def shown(watch: Watch, name: str) -> float | None:
    page = (await watch.figures.page()).decode()
    values = [s.value for family in text_string_to_metric_families(page) for s in family.samples if s.name == name]
    return values[0] if values else None


async def until(watch: Watch, name: str, value: float) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while await shown(watch, name) != value:
            await asyncio.sleep(0.01)


async def test_whoever_keeps_up_is_not_behind_and_whoever_stops_falls_behind() -> None:
    log, watch = memory_log(), Watch("tests", Figures())
    projector = Projector(log, MemoryReadStore(), note_model())
    watch.projector(projector, log)
    assert await shown(watch, "sigdep_follower_lag_seconds") is None  # Nobody knows yet.
    for number in range(3):
        await log.append(writing(workspace_in(number), new_stream(), "a", "b"))
    async with projecting(projector):
        await until(watch, "sigdep_follower_lag_events", 0)
        assert await shown(watch, "sigdep_follower_lag_seconds") == 0
        await asyncio.sleep(0.2)
        assert await shown(watch, "sigdep_follower_lag_seconds") == 0  # However long nothing happens.
    for number in range(3):
        await log.append(writing(workspace_in(number), new_stream(), "c"))
    assert await shown(watch, "sigdep_follower_lag_events") == 3
    first = await shown(watch, "sigdep_follower_lag_seconds")
    await asyncio.sleep(0.3)
    second = await shown(watch, "sigdep_follower_lag_seconds")
    assert first is not None
    assert second is not None
    assert second - first >= 0.29
    async with projecting(projector):
        await until(watch, "sigdep_follower_lag_seconds", 0)


async def test_a_stream_that_is_set_aside_raises_the_figure_and_holds_nobody_up() -> None:
    log, watch, workspace = memory_log(), Watch("tests", Figures()), new_workspace()
    projector = Projector(log, MemoryReadStore(), Fussy("poison"))
    watch.projector(projector, log)
    async with projecting(projector):
        await log.append(writing(workspace, new_stream(), "poison"))
        await log.append(writing(workspace, new_stream(), "good"))
        await until(watch, "sigdep_follower_parked_streams", 1)
        await until(watch, "sigdep_follower_lag_events", 0)
        assert await shown(watch, "sigdep_projector_fit") == 1


def follower(log: FollowedLog, reached: Positions) -> Follower:
    return Follower(kind="relay", name="x", log=log, positions=lambda: reached, is_fit=lambda: True)


async def test_a_log_that_cannot_be_asked_leaves_the_lag_unknown() -> None:
    async def away(*_: object) -> Positions:
        raise Unavailable("Away.")

    one = follower(FollowedLog(heads=away, oldest=away), {})  # type: ignore[arg-type]
    await one.look()
    assert one.lag is None


async def test_a_log_that_cannot_be_read_does_not_stop_the_clock() -> None:
    """A damaged log halts whoever follows it: just then the lag must be seen to grow."""
    log = memory_log()
    await log.append(writing(new_workspace(), new_stream(), "a"))

    async def damaged(_after: Positions) -> None:
        raise LogDamaged("A hole.")

    one = follower(FollowedLog(heads=log.heads, oldest=damaged), {})
    await one.look()
    await asyncio.sleep(0.1)
    await one.look()
    assert one.lag is not None
    assert one.lag[0] == 1
    assert one.lag[1] >= 0.09


async def test_whoever_is_ahead_of_what_the_log_says_is_not_behind() -> None:
    log = memory_log()
    await log.append(writing(new_workspace(), new_stream(), "a"))
    ahead = {partition: Position(head + 5) for partition, head in (await log.heads()).items()}
    one = follower(FollowedLog(heads=log.heads, oldest=pytest.fail), ahead)  # type: ignore[arg-type]
    await one.look()
    assert one.lag == (0, 0.0)
