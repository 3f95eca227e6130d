"""What stands at `/api/live` and `/api/live/tickets`, once the layers of the gateway know who is asking."""

from typing import Final

import msgspec
from msgspec import Struct
from starlette.types import Receive, Scope, Send

from sigdep.gateway.live.bounds import PATH, SCOPE
from sigdep.gateway.live.hub import Hub
from sigdep.gateway.live.outlet import Outlet
from sigdep.http.bodies import BodyReader, read_body
from sigdep.http.exchange import Exchange
from sigdep.http.replies import JSON, Reply, send_reply
from sigdep.http.tickets import TICKET_SECONDS, Tickets
from sigdep.http.typed import NO_STORE

SWITCHING_PROTOCOLS: Final = 101

_encode: Final = msgspec.json.Encoder().encode


class Nothing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body that says nothing: `{}`, or none at all."""


class LiveTicket(Struct, frozen=True, kw_only=True):
    """Lets a WebSocket in: `/api/live?ticket=…`, once."""

    ticket: str
    expires_in: int
    """Seconds."""


class LiveEndpoint:
    """One WebSocket, from its acceptance to its end."""

    method = "GET"
    path = PATH
    scope = SCOPE
    deadline = False
    for_many = False

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        outlet: Outlet = scope["sigdep.outlet"]
        assert exchange.principal is not None  # The endpoint has a scope.
        assert exchange.bearer is not None
        await receive()  # `websocket.connect`, always.
        session = self._hub.open(exchange.principal, exchange.bearer, outlet)
        try:
            exchange.status = SWITCHING_PROTOCOLS
            await send({"type": "websocket.accept", "headers": exchange.answer_headers})
            while (message := await receive())["type"] != "websocket.disconnect":
                session.hear(message.get("text"))
            self._hub.counts.ended(message.get("code", 0))
        finally:
            self._hub.close(session)


class TicketEndpoint:
    """`POST /api/live/tickets`."""

    method = "POST"
    path = f"{PATH}/tickets"
    scope = SCOPE
    deadline = True
    for_many = False

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets
        self._body = BodyReader(Nothing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        assert exchange.principal is not None  # The endpoint has a scope.
        assert exchange.bearer is not None
        self._body.read(await read_body(exchange, receive), exchange.headers)
        ticket = await self._tickets.make(exchange.principal.user_id, exchange.bearer)
        exchange.answer_headers = [*(h for h in exchange.answer_headers if h[0] != NO_STORE[0]), NO_STORE]
        body = _encode(LiveTicket(ticket=ticket, expires_in=TICKET_SECONDS))
        await send_reply(exchange, send, Reply(201, [JSON], body))
