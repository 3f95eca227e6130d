"""A Redis that we can do without: what is asked of it ends when it must, also when whoever asks gives up."""

import asyncio
import random
from typing import Final

from sigdep.adapters.redis.aid import RedisAid
from tests.adapters.redis.opening import Opening

GIVEN_UP: Final = 150
HEARD_SECONDS_MAX: Final = 20.0


async def _ask_for_ever(aid: RedisAid) -> None:
    while True:
        await aid.ask(lambda redis: redis.ping())


async def test_whoever_is_told_to_stop_while_they_ask_stops(opening: Opening) -> None:
    """At whatever moment: a job that misses it would keep its process from ending."""
    aid, chance = opening.aid(), random.Random(1)
    for _ in range(GIVEN_UP):
        asking = asyncio.create_task(_ask_for_ever(aid))
        await asyncio.sleep(chance.random() * 0.004)
        asking.cancel()
        await asyncio.wait([asking], timeout=HEARD_SECONDS_MAX)
        assert asking.cancelled()
    assert not aid.is_away
