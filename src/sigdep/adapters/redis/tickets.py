"""Tickets that open a WebSocket at any gateway. Whoever reads Redis alone learns neither ticket nor credential."""

from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sigdep.adapters.redis.aid import RedisAid
from sigdep.contracts.ids import UserId
from sigdep.http.tickets import (
    BOUNDS,
    TicketBounds,
    may_be_ticket,
    new_ticket,
    too_many_of_a_user,
    too_many_of_all,
)

ANSWER_SECONDS_MAX: Final = 0.5

NONCE: Final = bytes(12)
"""Each key seals one text, ever."""

MAKE: Final = """
local time = redis.call('TIME')
local now, lifetime = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[4])
for number, limit in ipairs({ARGV[5], ARGV[6]}) do
    redis.call('ZREMRANGEBYSCORE', KEYS[number + 1], '-inf', now)
    if redis.call('ZCARD', KEYS[number + 1]) >= tonumber(limit) then return number end
end
redis.call('HSET', KEYS[1], 'sealed', ARGV[2], 'user', ARGV[3])
redis.call('PEXPIRE', KEYS[1], lifetime)
for number = 2, 3 do
    redis.call('ZADD', KEYS[number], now + lifetime, ARGV[1])
    redis.call('PEXPIRE', KEYS[number], lifetime)
end
return 0
"""
"""Keep a ticket, and count it among its user's and among all. 1, 2: there are too many of the user, of all."""

REDEEM: Final = """
local found = redis.call('HMGET', KEYS[1], 'sealed', 'user')
if not found[1] then return false end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2] .. found[2], ARGV[1])
redis.call('ZREM', KEYS[2] .. 'all', ARGV[1])
return found[1]
"""


class RedisTickets:
    """Tickets of all gateways that use the same Redis: one server, since a script finds out which keys it needs."""

    def __init__(self, aid: RedisAid, bounds: TicketBounds = BOUNDS, *, prefix: str = "sigdep") -> None:
        self._aid = aid
        self._bounds = bounds
        self._prefix = prefix

    async def make(self, user: UserId, bearer: str) -> str:
        ticket = new_ticket()
        digest = _digest(ticket)
        keys = (self._key(digest), self._counted(user.hex), self._counted("all"))
        bounds = (int(self._bounds.seconds * 1_000), self._bounds.of_a_user, self._bounds.of_all)
        arguments: tuple[Any, ...] = (digest, _seal(ticket, bearer), user.hex, *bounds)
        refused = await self._aid.ask(lambda redis: redis.eval(MAKE, len(keys), *keys, *arguments))
        if refused:
            raise too_many_of_a_user(self._bounds) if refused == 1 else too_many_of_all(self._bounds)
        return ticket

    async def redeem(self, ticket: str) -> str | None:
        if not may_be_ticket(ticket):
            return None
        digest = _digest(ticket)
        keys = (self._key(digest), self._counted(""))
        sealed = await self._aid.ask(lambda redis: redis.eval(REDEEM, len(keys), *keys, digest))
        return None if sealed is None else _unseal(ticket, sealed)

    def _key(self, digest: str) -> str:
        return f"{self._prefix}:ticket:{digest}"

    def _counted(self, whose: str) -> str:
        return f"{self._prefix}:tickets:{whose}"


def _digest(ticket: str) -> str:
    """What it is found by. It has 256 bits of chance, so that nobody finds the ticket by its digest."""
    return sha256(b"digest " + ticket.encode()).hexdigest()


def _key_of(ticket: str) -> AESGCM:
    return AESGCM(sha256(b"key " + ticket.encode()).digest())


def _seal(ticket: str, bearer: str) -> bytes:
    return _key_of(ticket).encrypt(NONCE, bearer.encode(), None)


def _unseal(ticket: str, sealed: bytes) -> str | None:
    """None: somebody has put there what is none of ours."""
    try:
        return _key_of(ticket).decrypt(NONCE, sealed, None).decode()
    except InvalidTag:
        return None
