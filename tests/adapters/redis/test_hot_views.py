"""Hot views in Redis: the contract, and a server that is emptied, killed, slow, or loses one key of several."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from sigdep.adapters.redis.aid import RedisAid
from sigdep.adapters.redis.hot_views import PAGE_SECONDS_MAX, RedisHotViews
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.hot_views import KEPT_SECONDS, View
from sigdep.kernel.ids import Position, partition_of
from sigdep.testing.hot_views import ADA, BOB, HOME, MINE, MODEL, NOTHING, HotViewsContract, batch, placed, row, rows_of
from sigdep.testing.redis_server import RedisServer

PATIENT_SECONDS = 10.0
"""For an answer, where a test is not about the bound."""

BACK_SECONDS_MAX = 30.0


@pytest.fixture
async def aid(server: RedisServer) -> AsyncIterator[RedisAid]:
    aid = RedisAid(server.url, "test", answer_seconds=PATIENT_SECONDS)
    yield aid
    await aid.close()


@pytest.fixture
async def client(server: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url) as client:
        yield client


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid4().hex}"


@pytest.fixture
def hot(aid: RedisAid, prefix: str) -> RedisHotViews:
    return RedisHotViews(aid, prefix=prefix)


class TestRedisHotViews(HotViewsContract):
    @pytest.fixture
    def hot(self, aid: RedisAid, prefix: str) -> RedisHotViews:
        return RedisHotViews(aid, prefix=prefix)


async def keys_of(client: Redis, prefix: str) -> list[str]:
    return sorted([key.decode() async for key in client.scan_iter(f"{prefix}:*", count=1_000)])


async def test_a_server_that_is_emptied_knows_nothing(hot: RedisHotViews, client: Redis) -> None:
    await hot.fill(MINE, Position(7), [row(1)])
    await client.flushall()
    assert await rows_of(hot, 7) is None
    await batch(hot, 7, 8, placed(row(2), ADA))
    assert await rows_of(hot, 8) is None
    assert await hot.fill(MINE, Position(8), [row(1), row(2)])
    assert await rows_of(hot, 8) == [row(1), row(2)]


async def test_a_server_that_loses_any_key_knows_nothing_of_that_view(
    hot: RedisHotViews, client: Redis, prefix: str
) -> None:
    """As one does that is short of memory. What is left must not become a view of its own again."""
    bobs = View(MODEL, HOME, BOB)
    for lost in range(4):
        await client.flushall()
        await hot.fill(MINE, Position(7), [row(1), row(2)])
        await hot.fill(bobs, Position(7), [row(1), row(2)])
        keys = await keys_of(client, prefix)
        assert len(keys) == 4
        await client.delete(keys[lost])
        await batch(hot, 7, 8, placed(row(1), ADA, others=[BOB]), placed(row(3), ADA, BOB))
        assert await rows_of(hot, 8) in (None, [row(1), row(2), row(3)])
        assert await hot.fill(MINE, Position(8), [row(1), row(2), row(3)])
        assert await rows_of(hot, 8) == [row(1), row(2), row(3)]
        assert await rows_of(hot, 8, bobs) in (None, [row(2), row(3)])


async def test_a_server_that_was_set_back_knows_nothing(hot: RedisHotViews, client: Redis, prefix: str) -> None:
    await hot.fill(MINE, Position(7), [row(1)])
    former = {key: await client.dump(key) for key in await keys_of(client, prefix)}
    await batch(hot, 7, 8, placed(row(1), others=[ADA]))
    await batch(hot, 8, 9)
    for key, value in former.items():
        await client.restore(key, 0, value, replace=True)  # type: ignore[arg-type]
    assert await rows_of(hot, 9) is None
    await batch(hot, 9, 10)
    assert await rows_of(hot, 10) is None


async def test_a_server_that_is_killed_in_the_middle_of_a_batch(server: RedisServer, prefix: str) -> None:
    aid = RedisAid(server.url, "test", answer_seconds=PATIENT_SECONDS)
    hot = RedisHotViews(aid, prefix=prefix)
    await hot.fill(MINE, Position(7), [row(1)])
    turn = await hot.begin(MODEL, {partition_of(HOME): Position(7)}, {partition_of(HOME): Position(8)})
    server.kill()
    with pytest.raises(Unavailable):
        await hot.finish(turn, NOTHING)
    with pytest.raises(Unavailable):
        await rows_of(hot, 8)
    server.start()
    async with asyncio.timeout(BACK_SECONDS_MAX):
        while aid.is_away:
            await asyncio.sleep(0.01)
    assert [await rows_of(hot, position) for position in (7, 8)] == [None, None]
    assert await hot.fill(MINE, Position(8), [row(2)])
    assert await rows_of(hot, 8) == [row(2)]
    await aid.close()


async def test_a_server_that_is_slow_is_not_waited_for(server: RedisServer, client: Redis, prefix: str) -> None:
    aid = RedisAid(server.url, "test", answer_seconds=PAGE_SECONDS_MAX)
    hot = RedisHotViews(aid, prefix=prefix)
    await client.client_pause(2_000)
    with pytest.raises(Unavailable):
        await rows_of(hot, 7)
    await client.ping()
    await aid.close()


async def test_nothing_is_kept_for_ever_and_no_content_of_who_is_forgotten(
    hot: RedisHotViews, client: Redis, prefix: str
) -> None:
    await hot.fill(MINE, Position(7), [row(1, text="wrytz")])
    await batch(hot, 7, 8, placed(row(2, text="wrytz"), ADA))
    for key in await keys_of(client, prefix):
        assert 0 < await client.ttl(key) <= KEPT_SECONDS
    assert await _holds(client, prefix, b"wrytz")
    await batch(hot, 8, 9, forgotten=[HOME])
    assert not await _holds(client, prefix, b"wrytz")


async def _holds(client: Redis, prefix: str, text: bytes) -> bool:
    values = [value for key in await keys_of(client, prefix) if ":rows:" in key for value in await client.hvals(key)]
    return any(text in value for value in values)
