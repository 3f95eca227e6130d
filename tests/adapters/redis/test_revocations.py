"""Notices by way of Redis keep the contract, and are heard again after Redis was away."""

import asyncio

import pytest
from redis.asyncio import Redis

from sigdep.adapters.redis.revocations import RedisRevocations
from sigdep.testing.redis_server import RedisServer
from sigdep.testing.revocations import ADA, MANY, Ear, OpenRevocations, SharedRevocationsContract
from tests.adapters.redis.opening import BACK_SECONDS_MAX, Opening


@pytest.fixture
def open_revocations(opening: Opening, prefix: str) -> OpenRevocations:
    async def open_revocations() -> RedisRevocations:
        news = opening.news()
        revocations = RedisRevocations(opening.aid(), news, prefix=prefix)
        await opening.run(news)
        return revocations

    return open_revocations


class TestRedisRevocations(SharedRevocationsContract):
    @pytest.fixture
    def open_revocations(self, open_revocations: OpenRevocations) -> OpenRevocations:
        return open_revocations


async def test_a_notice_that_cannot_be_read_is_about_everybody(
    server: RedisServer, open_revocations: OpenRevocations, prefix: str
) -> None:
    ear = Ear(await open_revocations())
    async with Redis.from_url(server.url) as client:
        for number, notice in enumerate((b"", b"nonsense", b"\xff\xfe", ADA.hex.encode() + b",", b"*"), 1):
            await client.publish(f"{prefix}:revoked", notice)
            await ear.until(lambda ear, number=number: ear.everybody == number)  # type: ignore[misc]
    assert ear.users == set()


@pytest.mark.parametrize("fault", ["killed", "frozen"])
async def test_to_tell_while_redis_is_away_harms_nothing_and_later_notices_are_heard(
    server: RedisServer, open_revocations: OpenRevocations, fault: str
) -> None:
    tells, listens = await open_revocations(), await open_revocations()
    ear, own = Ear(listens), Ear(tells)
    if fault == "killed":
        server.kill()
    else:
        server.freeze()
    try:
        for user in MANY:
            tells.tell({user})
        assert own.users == set(MANY)
        await asyncio.sleep(1.5)
        assert ear.users == set()
    finally:
        if fault == "killed":
            server.start()
        else:
            server.thaw()
    async with asyncio.timeout(BACK_SECONDS_MAX):
        while not ear.users:
            tells.tell({ADA})
            await asyncio.sleep(0.1)
