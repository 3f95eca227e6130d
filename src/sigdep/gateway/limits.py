"""How much a caller may ask for, by user and by address."""

import math

from starlette.types import ASGIApp, Receive, Scope, Send

from sigdep.gateway.addresses import neighbourhood
from sigdep.gateway.settings import Limits
from sigdep.http.exchange import Exchange, Header
from sigdep.http.limiting import Allowance, Limiters
from sigdep.kernel.errors import TooMany, Unauthenticated


class AddressLimits:
    """Before anybody is identified: requests of nobody, and tokens that are none, by address."""

    def __init__(self, app: ASGIApp, limits: Limits, limiters: Limiters) -> None:
        self.app = app
        self._requests = limiters.limiter("address", limits.address)
        self._for_many = limiters.limiter("for-many", limits.for_many)
        self._sign_ins = limiters.limiter("sign-in", limits.sign_in)
        self._bad_tokens = limiters.limiter("bad-token", limits.bad_token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        endpoint = scope["endpoint"]
        address = neighbourhood(exchange.address)
        writes = endpoint.scope is None and exchange.method not in ("GET", "HEAD", "OPTIONS")
        if writes and not endpoint.for_many:
            _count(exchange, await self._sign_ins.take(address))
        if b"authorization" not in exchange.headers:
            requests = self._for_many if writes and endpoint.for_many else self._requests
            _count(exchange, await requests.take(address))
            await self.app(scope, receive, send)
            return
        if wait := self._bad_tokens.exhausted(address):
            raise TooMany("Too many tokens from your address were none of ours.", wait)
        try:
            await self.app(scope, receive, send)
        except Unauthenticated:
            await self._bad_tokens.take(address)
            raise


class UserLimits:
    """Once the caller is known: requests by user, whatever their tokens."""

    def __init__(self, app: ASGIApp, limits: Limits, limiters: Limiters) -> None:
        self.app = app
        self._requests = limiters.limiter("user", limits.user)
        self._strangers = limiters.limiter("stranger", limits.address)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        if exchange.principal is not None:
            _count(exchange, await self._requests.take(exchange.principal.user_id.hex))
        elif b"authorization" in exchange.headers:  # Open to everybody, with a token that is none.
            _count(exchange, await self._strangers.take(neighbourhood(exchange.address)))
        await self.app(scope, receive, send)


def _count(exchange: Exchange, allowance: Allowance) -> None:
    """Where a request is counted by several limits, the answer tells of the tightest.

    Raises:
        TooMany: the allowance is used up.
    """
    earlier = exchange.allowance
    if earlier is None:
        exchange.allowance = allowance
        exchange.answer_headers += _told(allowance)
    elif allowance.remaining < earlier.remaining or allowance.retry_seconds:
        exchange.allowance = allowance
        others = [header for header in exchange.answer_headers if header not in _told(earlier)]
        exchange.answer_headers = [*others, *_told(allowance)]
    if allowance.retry_seconds:
        raise TooMany(
            "You have asked too much in too short a time. Wait a little, then go on.", allowance.retry_seconds
        )


def _told(allowance: Allowance) -> tuple[Header, ...]:
    return (
        (b"ratelimit-limit", b"%d" % allowance.limit),
        (b"ratelimit-remaining", b"%d" % allowance.remaining),
        (b"ratelimit-reset", b"%d" % math.ceil(allowance.reset_seconds)),
    )
