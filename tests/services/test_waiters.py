"""A projector gathers what comes for as long as nobody waits for it."""

import asyncio
from time import monotonic

import pytest

from sigdep.kernel.ids import Partition, Position
from sigdep.services.waiters import Waiters

FOR_EVER = 60.0


async def test_somebody_who_begins_to_wait_is_noticed_at_once() -> None:
    waiters = Waiters()
    noticing = asyncio.create_task(waiters.somebody(FOR_EVER))
    await asyncio.sleep(0)
    assert not noticing.done()
    waiting = asyncio.create_task(waiters.wait(Partition(1), Position(5), FOR_EVER))
    await asyncio.wait_for(noticing, 10)
    waiters.reached({Partition(1): Position(5)})
    await waiting


async def test_somebody_who_waits_already_is_noticed_until_they_have_gone() -> None:
    waiters = Waiters()
    waiting = asyncio.create_task(waiters.wait(Partition(1), Position(5), FOR_EVER))
    await asyncio.sleep(0)
    await asyncio.wait_for(waiters.somebody(FOR_EVER), 10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    begun = monotonic()
    await waiters.somebody(0.05)
    assert monotonic() - begun >= 0.05
