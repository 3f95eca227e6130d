"""Redis streams keep the broker's contract."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from sigdep.adapters.redis.broker import RedisBroker
from sigdep.kernel.broker import AWAY_SECONDS_MAX, PositionLost
from sigdep.testing.broker import BrokerContract, BrokerFaultsContract, Opener, Stranger
from sigdep.testing.broker_setup import PARTITION, in_parts, messages, numbers, take
from sigdep.testing.ports import HOST
from sigdep.testing.redis_server import RedisServer


class TestRedisBroker(BrokerContract, BrokerFaultsContract):
    @pytest.fixture
    def opener(self, server: RedisServer) -> Opener:
        def open_broker(*, port: int | None = None, away_seconds_max: float = AWAY_SECONDS_MAX) -> RedisBroker:
            return RedisBroker(f"redis://{HOST}:{port or server.port}/0", away_seconds_max=away_seconds_max)

        return open_broker

    @pytest.fixture
    async def stranger(self, server: RedisServer) -> AsyncIterator[Stranger]:
        """An entry's id is the position, and Redis sees to it: what is appended stands between two of ours."""
        client: Any
        async with Redis.from_url(server.url) as client:

            async def append(topic: str, written: Sequence[Mapping[str, str]]) -> None:
                key = f"sigdep:{topic}:{PARTITION}"
                for parts in written:
                    last = (await client.xrevrange(key, count=1))[0][0].split(b"-")[0].decode()
                    names = {"id": "i", "follows": "f", "key": "k"}
                    fields = {short: parts[name] for name, short in names.items() if name in parts}
                    await client.xadd(key, {**fields, "b" if fields else "hello": "hello"}, id=f"{last}-*")

            yield append


async def test_a_server_that_is_flushed_has_lost_the_position_of_who_was_reading(server: RedisServer) -> None:
    broker = RedisBroker(server.url)
    await broker.publish("flushed", messages(range(1, 11)))
    reading = asyncio.create_task(take(broker, "flushed", 11))
    await asyncio.sleep(0.1)
    async with Redis.from_url(server.url) as client:
        await client.flushall()
    with pytest.raises(PositionLost):
        await reading
    await broker.publish("flushed", messages([11]))
    assert numbers(await take(broker, "flushed", 1)) == [11]
    await broker.close()


async def test_only_the_last_messages_are_kept_and_who_was_overrun_is_told_so(server: RedisServer) -> None:
    broker = RedisBroker(server.url, kept_messages=100)
    await broker.publish("trimmed", messages(range(1, 11)))
    early = (await take(broker, "trimmed", 10))[0].position
    for part in in_parts(messages(range(11, 1011), size=10), 500):
        await broker.publish("trimmed", part)
    kept = numbers(await take(broker, "trimmed", 100))
    assert kept[-1] <= 1010
    assert kept[0] > 800
    with pytest.raises(PositionLost):
        await take(broker, "trimmed", 1, after=early)
    await broker.close()
