"""Lets web pages of named origins call the API (Fetch Standard §3.2). Without origins this layer is not there."""

from collections.abc import Sequence
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from sigdep.http.exchange import Exchange, Header
from sigdep.http.replies import Reply, send_reply

PREFLIGHT_SECONDS: Final = 600

_METHODS: Final[Header] = (b"access-control-allow-methods", b"GET, HEAD, POST, PATCH, DELETE")
_HEADERS: Final[Header] = (
    b"access-control-allow-headers",
    b"authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, sigdep-min-position, "
    b"traceparent, x-request-id",
)
_EXPOSED: Final[Header] = (
    b"access-control-expose-headers",
    b"etag, location, ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after, sigdep-position, "
    b"x-request-id",
)


class CrossOrigin:
    """Credentials travel in a header, never in a cookie: so `Access-Control-Allow-Credentials` is not needed."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self.app = app
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        origin = exchange.headers.get(b"origin")
        exchange.answer_headers.append((b"vary", b"origin"))
        if origin not in self._origins:
            await self.app(scope, receive, send)
            return
        exchange.answer_headers += ((b"access-control-allow-origin", origin), _EXPOSED)
        if exchange.method == "OPTIONS" and b"access-control-request-method" in exchange.headers:
            age = (b"access-control-max-age", b"%d" % PREFLIGHT_SECONDS)
            await send_reply(exchange, send, Reply(204, [_METHODS, _HEADERS, age]))
            return
        await self.app(scope, receive, send)
