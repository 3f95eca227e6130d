"""Presence in Redis keeps the contract, over gateways that are killed and a Redis that is flushed or away."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import pytest
from redis.asyncio import Redis

from sigdep.adapters.redis import presence as presence_module
from sigdep.adapters.redis.presence import RedisPresence
from sigdep.gateway.fallbacks import FallbackPresence
from sigdep.gateway.live.presence import LocalPresence
from sigdep.testing.presence import (
    ADA,
    BOB,
    EVE,
    HERE,
    USERS,
    OpenPresence,
    SharedPresenceContract,
    until_present,
)
from sigdep.testing.redis_server import RedisServer
from tests.adapters.redis.opening import Opening, ended

LIFETIME_SECONDS: Final = 2.0
HEARTBEAT_SECONDS: Final = 0.4


class Gateway:
    """One gateway's part, at work."""

    def __init__(self, presence: RedisPresence, job: asyncio.Task[None]) -> None:
        self.presence = presence
        self._job = job

    async def die(self) -> None:
        """Without a word, as by SIGKILL."""
        await ended(self._job)


async def open_gateway(opening: Opening, prefix: str) -> Gateway:
    news = opening.news()
    presence = RedisPresence(
        opening.aid(), news, prefix=prefix, lifetime_seconds=LIFETIME_SECONDS, heartbeat_seconds=HEARTBEAT_SECONDS
    )
    await opening.run(news)
    job = asyncio.create_task(presence.run())
    opening.stack.push_async_callback(ended, job)
    return Gateway(presence, job)


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url) as client:
        yield client


class TestRedisPresence(SharedPresenceContract):
    @pytest.fixture
    def open_presence(self, opening: Opening, prefix: str) -> OpenPresence:
        async def open_presence() -> RedisPresence:
            return (await open_gateway(opening, prefix)).presence

        return open_presence


class TestPresenceWithAFallback(SharedPresenceContract):
    @pytest.fixture
    def open_presence(self, opening: Opening, prefix: str) -> OpenPresence:
        async def open_presence() -> FallbackPresence:
            return FallbackPresence((await open_gateway(opening, prefix)).presence, LocalPresence())

        return open_presence


async def test_who_was_at_a_gateway_that_was_killed_goes_after_a_while_and_others_stay(
    opening: Opening, prefix: str, redis: Redis
) -> None:
    here, there = await open_gateway(opening, prefix), await open_gateway(opening, prefix)
    here.presence.enter(HERE, ADA)
    there.presence.enter(HERE, BOB)
    await until_present(here.presence, {ADA, BOB})
    await there.die()
    heard: list[object] = []
    here.presence.listen(heard.append)
    await until_present(here.presence, {ADA})
    await asyncio.sleep(2 * LIFETIME_SECONDS)
    await until_present(here.presence, {ADA})
    assert heard, "Somebody has cleaned up, and said so."
    await here.die()
    await asyncio.sleep(1.2 * LIFETIME_SECONDS)
    assert [key async for key in redis.scan_iter(f"{prefix}:*")] == []


async def test_a_gateway_that_stops_in_good_order_takes_its_own_along_at_once(opening: Opening, prefix: str) -> None:
    here, there = await open_gateway(opening, prefix), await open_gateway(opening, prefix)
    for user in USERS:
        there.presence.enter(HERE, user)
    here.presence.enter(HERE, ADA)
    await there.presence.present([])
    assert (await here.presence.present([HERE]))[HERE].count == len(USERS)
    await there.die()
    await there.presence.close()
    assert (await here.presence.present([HERE]))[HERE].users == (ADA,)


async def test_a_flushed_redis_hears_again_who_is_here(opening: Opening, prefix: str, redis: Redis) -> None:
    here, there = await open_gateway(opening, prefix), await open_gateway(opening, prefix)
    here.presence.enter(HERE, ADA)
    there.presence.enter(HERE, BOB)
    await until_present(here.presence, {ADA, BOB})
    await redis.flushall()
    await until_present(here.presence, {ADA, BOB})


async def test_while_redis_is_away_each_gateway_tells_of_its_own(
    server: RedisServer, opening: Opening, prefix: str
) -> None:
    gateways = [await open_gateway(opening, prefix) for _ in range(2)]
    here, there = (FallbackPresence(gateway.presence, LocalPresence()) for gateway in gateways)
    here.enter(HERE, ADA)
    there.enter(HERE, BOB)
    await until_present(here, {ADA, BOB})
    server.kill()
    await until_present(here, {ADA})
    await until_present(there, {BOB})
    here.enter(HERE, EVE)
    there.leave(HERE, BOB)
    there.enter(HERE, USERS[5])
    await until_present(here, {ADA, EVE})
    server.start()
    for presence in (here, there):
        await until_present(presence, {ADA, EVE, USERS[5]})
    there.enter(HERE, BOB)  # Notices are heard again as well.
    await until_present(here, {ADA, BOB, EVE, USERS[5]})


async def test_more_changes_than_are_kept_are_told_by_the_next_heartbeat(
    monkeypatch: pytest.MonkeyPatch, opening: Opening, prefix: str
) -> None:
    monkeypatch.setattr(presence_module, "CHANGES_MAX", 10)
    monkeypatch.setattr(presence_module, "ENTRIES_AT_ONCE", 7)
    gateway = await open_gateway(opening, prefix)
    for user in USERS:
        gateway.presence.enter(HERE, user)
    async with asyncio.timeout(20):
        while (await gateway.presence.present([HERE]))[HERE].count < len(USERS):
            await asyncio.sleep(0.05)


async def test_entries_that_sort_before_a_gateway_with_a_slow_clock_are_all_there(
    monkeypatch: pytest.MonkeyPatch, opening: Opening, prefix: str
) -> None:
    early = await open_gateway(opening, prefix)
    monkeypatch.setattr(presence_module, "time", partial(float, 1_000.0))
    late = await open_gateway(opening, prefix)
    late.presence.enter(HERE, BOB)
    monkeypatch.undo()
    early.presence.enter(HERE, ADA)
    await until_present(late.presence, {ADA, BOB})
    assert (await early.presence.present([HERE]))[HERE].users == (BOB, ADA)
