"""How much a caller may ask for: GCRA, one instant remembered per caller.

The generic cell rate algorithm (ITU-T I.371) remembers when a caller's allowance will be whole again. A request moves
that instant on by one interval, and is refused when it would move it further ahead than the burst allows.
"""

import math
from collections.abc import Callable
from time import monotonic
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from sigdep.gateway.addresses import neighbourhood
from sigdep.gateway.settings import Limits, Rate
from sigdep.http.exchange import Exchange
from sigdep.kernel.errors import TooMany, Unauthenticated

CALLERS_MAX: Final = 50_000
"""Remembered in each limiter. Past it the callers first seen are forgotten, each of whom wins one burst by it."""

Clock = Callable[[], float]


class Allowance(NamedTuple):
    """What a limiter says to a request."""

    limit: int
    remaining: int
    reset_seconds: float
    """Until the burst is whole again."""
    retry_seconds: float
    """0: go on. Else when to try again."""


class Limiter:
    """One rate for many callers."""

    def __init__(self, rate: Rate, clock: Clock = monotonic) -> None:
        self._interval = 1 / rate.per_second
        self._burst = rate.burst
        self._ahead_max = rate.burst * self._interval
        self._clock = clock
        self._whole_at: dict[str, float] = {}
        """By caller: when its burst is whole again."""

    def take(self, caller: str) -> Allowance:
        """Count one request, unless it is refused."""
        now = self._clock()
        ahead = max(self._whole_at.get(caller, now) - now, 0.0) + self._interval
        excess = ahead - self._ahead_max
        if excess > 1e-9:
            return Allowance(self._burst, 0, ahead - self._interval, excess)
        if caller not in self._whole_at and len(self._whole_at) >= CALLERS_MAX:
            self._forget(now)
        self._whole_at[caller] = now + ahead
        return Allowance(self._burst, round((self._ahead_max - ahead) / self._interval), ahead, 0.0)

    def exhausted(self, caller: str) -> float:
        """Seconds until the caller may try again, without counting anything. 0: now."""
        ahead = self._whole_at.get(caller, 0.0) - self._clock()
        return max(ahead + self._interval - self._ahead_max, 0.0)

    def __len__(self) -> int:
        return len(self._whole_at)

    def _forget(self, now: float) -> None:
        """Those whose burst is whole again lose nothing; where that is not enough, the tenth that came first."""
        self._whole_at = {caller: whole_at for caller, whole_at in self._whole_at.items() if whole_at > now}
        if len(self._whole_at) >= CALLERS_MAX:
            for caller in list(self._whole_at)[: CALLERS_MAX // 10]:
                del self._whole_at[caller]


class AddressLimits:
    """Before anybody is identified: requests of nobody, and tokens that are none, by address."""

    def __init__(self, app: ASGIApp, limits: Limits, clock: Clock = monotonic) -> None:
        self.app = app
        self._requests = Limiter(limits.address, clock)
        self._sign_ins = Limiter(limits.sign_in, clock)
        self._bad_tokens = Limiter(limits.bad_token, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        endpoint = scope["endpoint"]
        address = neighbourhood(exchange.address)
        if endpoint.scope is None and exchange.method not in ("GET", "HEAD", "OPTIONS"):
            _count(exchange, self._sign_ins.take(address))
        if b"authorization" not in exchange.headers:
            _count(exchange, self._requests.take(address))
            await self.app(scope, receive, send)
            return
        if wait := self._bad_tokens.exhausted(address):
            raise TooMany("Too many tokens from your address were none of ours.", wait)
        try:
            await self.app(scope, receive, send)
        except Unauthenticated:
            self._bad_tokens.take(address)
            raise


class UserLimits:
    """Once the caller is known: requests by user, whatever their tokens."""

    def __init__(self, app: ASGIApp, limits: Limits, clock: Clock = monotonic) -> None:
        self.app = app
        self._requests = Limiter(limits.user, clock)
        self._strangers = Limiter(limits.address, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        if exchange.principal is not None:
            _count(exchange, self._requests.take(exchange.principal.user_id.hex))
        elif b"authorization" in exchange.headers:  # Open to everybody, with a token that is none.
            _count(exchange, self._strangers.take(neighbourhood(exchange.address)))
        await self.app(scope, receive, send)


def _count(exchange: Exchange, allowance: Allowance) -> None:
    """
    Raises:
        TooMany: the allowance is used up.
    """
    limit, remaining, reset_seconds, retry_seconds = allowance
    exchange.answer_headers += (
        (b"ratelimit-limit", b"%d" % limit),
        (b"ratelimit-remaining", b"%d" % remaining),
        (b"ratelimit-reset", b"%d" % math.ceil(reset_seconds)),
    )
    if retry_seconds:
        raise TooMany("You have asked too much in too short a time. Wait a little, then go on.", retry_seconds)
