"""Limits in Redis keep the contract, and what becomes of them when Redis is killed, flushed, stopped or slow."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from sigdep.adapters.redis import limits as limits_module
from sigdep.adapters.redis.limits import ANSWER_SECONDS_MAX, RedisLimiters
from sigdep.gateway.fallbacks import FallbackLimiters
from sigdep.http.limiting import Limiter, Limiters, Rate
from sigdep.http.sharing import SharedAway
from sigdep.testing.broker_proxy import proxied
from sigdep.testing.limiting import SLOW, SharedLimiterContract
from sigdep.testing.ports import HOST
from sigdep.testing.redis_server import RedisServer
from tests.adapters.redis.opening import Opening, until_back

WAITED_SECONDS_MAX: Final = 2.0
"""Far over the bound, and far under what a client of Redis waits by itself."""


@pytest.fixture
def limiters(opening: Opening, prefix: str) -> RedisLimiters:
    return RedisLimiters(opening.aid(), prefix=prefix)


class TestRedisLimiters(SharedLimiterContract):
    @pytest.fixture
    def limiters(self, opening: Opening, prefix: str) -> Limiters:
        return RedisLimiters(opening.aid(), prefix=prefix)

    @pytest.fixture
    def others(self, opening: Opening, prefix: str) -> Limiters:
        return RedisLimiters(opening.aid(), prefix=prefix)


class TestLimitersWithAFallback(SharedLimiterContract):
    """Where Redis is there, nobody sees that something would stand in for it."""

    @pytest.fixture
    def limiters(self, opening: Opening, prefix: str) -> Limiters:
        return FallbackLimiters(RedisLimiters(opening.aid(), prefix=prefix))

    @pytest.fixture
    def others(self, opening: Opening, prefix: str) -> Limiters:
        return FallbackLimiters(RedisLimiters(opening.aid(), prefix=prefix))


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url) as client:
        yield client


async def passing(limiter: Limiter, takes: int) -> int:
    return sum([not (await limiter.take("ada")).retry_seconds for _ in range(takes)])


async def test_a_redis_that_is_flushed_gives_one_more_burst(limiters: RedisLimiters, redis: Redis) -> None:
    limiter = limiters.limiter("requests", SLOW)
    assert await passing(limiter, 100) == SLOW.burst
    await redis.flushall()
    assert await passing(limiter, 100) == SLOW.burst


async def test_what_is_kept_ends_when_the_burst_is_whole_again(
    limiters: RedisLimiters, redis: Redis, prefix: str
) -> None:
    limiter = limiters.limiter("requests", Rate(per_second=10, burst=5))
    for _ in range(5):
        await limiter.take("ada")
    (key,) = [key async for key in redis.scan_iter(f"{prefix}:*")]
    assert 0 < await redis.pttl(key) <= 500
    await asyncio.sleep(0.6)
    assert [key async for key in redis.scan_iter(f"{prefix}:*")] == []


async def test_a_clock_that_was_set_back_makes_nobody_wait_longer_than_a_burst(
    limiters: RedisLimiters, redis: Redis, prefix: str
) -> None:
    limiter = limiters.limiter("requests", Rate(per_second=20, burst=4))
    in_an_hour = int((time.time() + 3_600) * 1_000_000)
    await redis.set(f"{prefix}:limit:requests:ada", in_an_hour)
    refused = await limiter.take("ada")
    assert 0 < refused.retry_seconds <= 0.05
    await asyncio.sleep(0.25)
    assert not (await limiter.take("ada")).retry_seconds


async def test_a_rate_that_is_no_whole_number_of_microseconds_counts_to_its_burst(limiters: RedisLimiters) -> None:
    limiter = limiters.limiter("requests", Rate(per_second=0.07, burst=333))
    assert await passing(limiter, 400) == 333


async def test_while_redis_is_away_each_gateway_counts_and_says_so_once(
    server: RedisServer, opening: Opening, prefix: str
) -> None:
    aid = opening.aid()
    limiter = FallbackLimiters(RedisLimiters(aid, prefix=prefix)).limiter("requests", SLOW)
    with capture_logs() as logs:
        assert await passing(limiter, SLOW.burst - 5) == SLOW.burst - 5
        server.kill()
        assert await passing(limiter, 200) == 5, "Neither a new burst nor none at all."
        assert aid.is_away
        server.start()
        await until_back(aid)
        await passing(limiter, 50)
    assert [log["event"] for log in logs] == ["redis is away, this process goes on alone", "redis is back"]
    assert not aid.is_away


async def test_a_redis_that_stands_still_costs_a_few_requests_a_moment(
    server: RedisServer, opening: Opening, prefix: str
) -> None:
    aid = opening.aid(ANSWER_SECONDS_MAX)
    limiter = FallbackLimiters(RedisLimiters(aid, prefix=prefix)).limiter("requests", SLOW)
    await limiter.take("ada")
    server.freeze()
    try:
        begun = time.monotonic()
        assert await passing(limiter, 500) in (SLOW.burst - 1, SLOW.burst)  # Its first answer may have been too late.
        assert time.monotonic() - begun < WAITED_SECONDS_MAX
        assert aid.is_away
        assert aid.losses <= 4
    finally:
        server.thaw()
    await until_back(aid)


async def test_a_redis_that_is_slow_is_not_waited_for(server: RedisServer, opening: Opening, prefix: str) -> None:
    async with proxied(server.port) as proxy:
        aid = opening.aid(ANSWER_SECONDS_MAX, f"redis://{HOST}:{proxy.port}/0")
        limiter = FallbackLimiters(RedisLimiters(aid, prefix=prefix)).limiter("requests", SLOW)
        await limiter.take("ada")
        proxy.delay_seconds = 0.2
        with capture_logs() as logs:
            begun = time.monotonic()
            assert await passing(limiter, 500) >= SLOW.burst - 1
            assert time.monotonic() - begun < WAITED_SECONDS_MAX
            await asyncio.sleep(2.5)  # It answers when it is tried again, and too late.
            assert aid.is_away
        assert len([log for log in logs if log["log_level"] == "warning"]) == 1
        proxy.delay_seconds = 0.0
        await until_back(aid)


async def test_an_answer_that_is_lost_is_no_answer_to_the_next_question(
    server: RedisServer, opening: Opening, prefix: str
) -> None:
    async with proxied(server.port) as proxy:
        aid = opening.aid(0.2, f"redis://{HOST}:{proxy.port}/0")
        limiter = RedisLimiters(aid, prefix=prefix).limiter("requests", SLOW)
        await limiter.take("ada")
        proxy.delay_seconds = 0.5
        with pytest.raises(SharedAway):
            await limiter.take("ada")
        proxy.delay_seconds = 0.0
        await asyncio.sleep(0.6)
        allowance = await limiter.take("bob")
        assert allowance.remaining == SLOW.burst - 1, "That is what Ada was told."


async def test_too_many_questions_at_once_are_counted_alone(
    monkeypatch: pytest.MonkeyPatch, limiters: RedisLimiters
) -> None:
    monkeypatch.setattr(limits_module, "WAITING_MAX", 10)
    limiter = FallbackLimiters(limiters).limiter("requests", Rate(per_second=0.01, burst=5))
    answers = await asyncio.gather(*(limiter.take("ada") for _ in range(100)))
    assert 5 <= sum(not answer.retry_seconds for answer in answers) <= 10


async def test_callers_who_were_refused_are_remembered_within_a_bound(
    monkeypatch: pytest.MonkeyPatch, limiters: RedisLimiters
) -> None:
    monkeypatch.setattr(limits_module, "REFUSED_MAX", 3)
    limiter = limiters.limiter("requests", Rate(per_second=0.01, burst=1))
    for number in range(10):
        await limiter.take(f"caller {number}")
    assert limiter.exhausted("caller 9") > 0
    assert sum(limiter.exhausted(f"caller {number}") > 0 for number in range(10)) <= 3
