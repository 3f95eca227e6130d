"""Tickets in Redis keep the contract, tell nothing to whoever reads Redis, and have a fallback."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from sigdep.adapters.redis.tickets import RedisTickets
from sigdep.gateway.fallbacks import FallbackTickets
from sigdep.gateway.live.tickets import MemoryTickets
from sigdep.http.sharing import SharedAway
from sigdep.http.tickets import BOUNDS, TICKET_SECONDS, TicketBounds
from sigdep.testing.redis_server import RedisServer
from sigdep.testing.tickets import ADA, BEARER, OpenTickets, SharedTicketsContract
from tests.adapters.redis.opening import Opening, until_back


class TestRedisTickets(SharedTicketsContract):
    @pytest.fixture
    def open_tickets(self, opening: Opening, prefix: str) -> OpenTickets:
        return lambda bounds: RedisTickets(opening.aid(), bounds, prefix=prefix)


class TestTicketsWithAFallback(SharedTicketsContract):
    @pytest.fixture
    def open_tickets(self, opening: Opening, prefix: str) -> OpenTickets:
        def open_tickets(bounds: TicketBounds) -> FallbackTickets:
            return FallbackTickets(RedisTickets(opening.aid(), bounds, prefix=prefix), MemoryTickets(bounds))

        return open_tickets


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url) as client:
        yield client


async def everything(redis: Redis, prefix: str) -> dict[bytes, bytes]:
    """All keys of a test, with what they hold."""
    found = {}
    async for key in redis.scan_iter(f"{prefix}:*"):
        held = await redis.hgetall(key) if await redis.type(key) == b"hash" else await redis.zrange(key, 0, -1)
        found[key] = repr(held).encode()
    return found


async def test_whoever_reads_redis_learns_neither_ticket_nor_credential(
    opening: Opening, prefix: str, redis: Redis
) -> None:
    tickets = RedisTickets(opening.aid(), prefix=prefix)
    made = [await tickets.make(ADA, BEARER) for _ in range(2)]
    kept = await everything(redis, prefix)
    written = b"".join(kept) + b"".join(kept.values())
    for secret in (*made, BEARER, BEARER[10:20]):
        assert secret.encode() not in written
    sealed = [held for key, held in kept.items() if b":ticket:" in key]
    assert len(set(sealed)) == len(made), "The same credential is sealed otherwise each time."
    assert all([0 < await redis.ttl(key) <= TICKET_SECONDS for key in kept])


async def test_what_somebody_put_in_place_of_a_credential_opens_nothing(
    opening: Opening, prefix: str, redis: Redis
) -> None:
    tickets = RedisTickets(opening.aid(), prefix=prefix)
    ticket, other = await tickets.make(ADA, BEARER), await tickets.make(ADA, "another")
    keys = [key async for key in redis.scan_iter(f"{prefix}:ticket:*")]
    sealed = [await redis.hget(key, "sealed") for key in keys]
    for key, wrong in zip(keys, reversed(sealed), strict=True):
        await redis.hset(key, "sealed", wrong)
    assert [await tickets.redeem(ticket), await tickets.redeem(other)] == [None, None]


async def test_used_tickets_leave_nothing_behind(opening: Opening, prefix: str, redis: Redis) -> None:
    tickets = RedisTickets(opening.aid(), prefix=prefix)
    for _ in range(3):
        await tickets.redeem(await tickets.make(ADA, BEARER))
    assert await everything(redis, prefix) == {}


async def test_while_redis_is_away_a_ticket_opens_the_gateway_that_made_it(
    server: RedisServer, opening: Opening, prefix: str
) -> None:
    aids = [opening.aid(), opening.aid()]
    here, there = (FallbackTickets(RedisTickets(aid, prefix=prefix), MemoryTickets()) for aid in aids)
    before = await here.make(ADA, BEARER)
    server.kill()
    meanwhile = await here.make(ADA, BEARER)
    assert await there.redeem(meanwhile) is None
    assert await here.redeem(meanwhile) == BEARER
    assert await here.redeem(meanwhile) is None
    server.start()
    for aid in aids:
        await until_back(aid)
    assert await there.redeem(before) == BEARER  # This server keeps what it has stored.
    assert await there.redeem(await here.make(ADA, BEARER)) == BEARER


async def test_a_flushed_redis_has_no_tickets(opening: Opening, prefix: str, redis: Redis) -> None:
    tickets = RedisTickets(opening.aid(), prefix=prefix)
    ticket = await tickets.make(ADA, BEARER)
    await redis.flushall()
    assert await tickets.redeem(ticket) is None
    assert await tickets.redeem(await tickets.make(ADA, BEARER)) == BEARER


async def test_tickets_that_cannot_be_reached_say_so(server: RedisServer, opening: Opening, prefix: str) -> None:
    tickets = RedisTickets(opening.aid(0.3), BOUNDS, prefix=prefix)
    ticket = await tickets.make(ADA, BEARER)
    server.freeze()
    try:
        with pytest.raises(SharedAway):
            await tickets.make(ADA, BEARER)
        with pytest.raises(SharedAway):
            await tickets.redeem(ticket)
    finally:
        server.thaw()
