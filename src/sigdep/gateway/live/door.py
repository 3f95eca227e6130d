"""Where a WebSocket comes in: the same layers as for a request, a ticket in place of a header, and who may knock."""

from collections.abc import Sequence
from typing import Annotated

import structlog
from msgspec import UNSET, Meta, UnsetType
from starlette.types import ASGIApp, Receive, Scope, Send

from sigdep.gateway.addresses import Addresses
from sigdep.gateway.live.closing import Close
from sigdep.gateway.live.endpoints import LiveEndpoint
from sigdep.gateway.settings import GatewaySettings
from sigdep.http.calls import request_id_of
from sigdep.http.exchange import Exchange, refuse_repeated_headers
from sigdep.http.parameters import ParameterReader
from sigdep.http.problems import is_bug, problem_reply
from sigdep.http.routes import Parameters
from sigdep.http.stamps import new_id
from sigdep.http.tickets import TICKET_LENGTH_MAX, Tickets
from sigdep.kernel.errors import Forbidden, Unauthenticated
from sigdep.kernel.ids import text_of

_log = structlog.get_logger("sigdep.gateway")


class LiveParameters(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may stand behind the `?` of `/api/live`."""

    ticket: Annotated[str, Meta(max_length=TICKET_LENGTH_MAX)] | UnsetType = UNSET
    """From `POST /api/live/tickets`; in place of `Authorization`."""


class LiveDoor:
    """An ASGI application for WebSockets. Whoever is not let in hears why, as an ordinary answer with a problem."""

    def __init__(
        self,
        endpoint: LiveEndpoint,
        layers: ASGIApp,
        *,
        tickets: Tickets,
        addresses: Addresses,
        settings: GatewaySettings,
    ) -> None:
        """
        Args:
            layers: what every request passes on its way to its endpoint.
        """
        self._endpoint = endpoint
        self._layers = layers
        self._tickets = tickets
        self._addresses = addresses
        self._origins = Origins(settings.allowed_origins, https=settings.https)
        self._parameters = ParameterReader(LiveParameters)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query, scope["query_string"] = scope["query_string"], b""  # uvicorn writes it into its log.
        inner = {**scope, "method": "GET", "query_string": query, "endpoint": self._endpoint}
        exchange = self._open(inner)
        try:
            refuse_repeated_headers(scope["headers"])
            self._origins.require(exchange)
            await self._enter(inner, receive, send)
        except Exception as error:
            if is_bug(error):
                _log.error("live connection failed", exc_info=error, request_id=exchange.request_id)
            if exchange.status:
                scope["sigdep.outlet"].end(Close.BUG)
                return
            status, headers, body = problem_reply(error, self._endpoint.path)
            headers = [*headers, *exchange.answer_headers]
            await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
            await send({"type": "websocket.http.response.body", "body": body})

    def _open(self, scope: Scope) -> Exchange:
        command_id = new_id()
        exchange = Exchange(scope, command_id)
        headers = exchange.headers
        exchange.route = self._endpoint.path
        exchange.request_id = request_id_of(headers.get(b"x-request-id")) or text_of(command_id)
        exchange.address = self._addresses.of(scope["client"], headers.get(b"x-forwarded-for"))
        exchange.answer_headers = [(b"x-request-id", exchange.request_id.encode())]
        return exchange

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Raises:
            Unauthenticated: the ticket is none, and nothing else says who is asking.
        """
        exchange = Exchange.of(scope)
        ticket = self._parameters.read(exchange.query).ticket
        if ticket is UNSET:
            await self._layers(scope, receive, send)
            return
        bearer = await self._tickets.redeem(ticket)
        if bearer is not None:
            exchange.headers = {**exchange.headers, b"authorization": b"Bearer " + bearer.encode()}
        try:
            await self._layers(scope, receive, send)
        except Unauthenticated:
            raise Unauthenticated(
                "This ticket is none of ours, has been used, or is too old. Make a new one."
            ) from None


class Origins:
    """Which web pages may open a WebSocket: browsers ask nobody before they do (RFC 6455 §10.2)."""

    def __init__(self, allowed: Sequence[str], *, https: bool) -> None:
        self._allowed = frozenset(origin.encode() for origin in allowed)
        self._schemes = (b"https://",) if https else (b"https://", b"http://")

    def require(self, exchange: Exchange) -> None:
        """
        Raises:
            Forbidden: the page is none of ours, and of no origin that the operator has named.
        """
        origin = exchange.headers.get(b"origin")
        if origin is None or origin in self._allowed:  # Only browsers send it.
            return
        host = exchange.headers.get(b"host", b"")
        if origin.lower() not in [scheme + host.lower() for scheme in self._schemes]:
            raise Forbidden("Web pages of this origin may not listen here. SIGDEP_CORS_ORIGINS names those that may.")
