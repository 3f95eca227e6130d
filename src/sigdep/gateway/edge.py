"""The outermost layer: makes the exchange, finds the endpoint, and turns whatever fails into a problem."""

from collections.abc import Sequence
from time import perf_counter
from typing import Final, Protocol

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sigdep.gateway.addresses import Addresses
from sigdep.gateway.routing import RouteTable
from sigdep.http.calls import request_id_of
from sigdep.http.exchange import Exchange, Header, refuse_repeated_headers
from sigdep.http.problems import is_bug, problem_reply
from sigdep.http.refusals import MethodNotAllowed
from sigdep.http.replies import Reply, send_reply
from sigdep.http.stamps import new_id
from sigdep.kernel.errors import NotFound
from sigdep.kernel.ids import text_of
from sigdep.telemetry.current import begin_work
from sigdep.telemetry.sampling import Sampler

PATH_SHOWN_MAX: Final = 500
"""Characters of a path in a problem."""

_log = structlog.get_logger("sigdep.gateway")


class Observer(Protocol):
    """Hears of every request. Must not raise, and must not wait."""

    def begun(self) -> None: ...

    def ended(self, exchange: Exchange, seconds: float) -> None: ...


class Edge:
    def __init__(
        self,
        app: ASGIApp,
        *,
        table: RouteTable,
        elsewhere: ASGIApp,
        addresses: Addresses,
        headers: Sequence[Header],
        observers: Sequence[Observer],
        sampler: Sampler,
    ) -> None:
        """
        Args:
            app: the layers within, which end at `dispatch`.
            elsewhere: serves the paths that are not in the table, and everything that is not HTTP (ASGI).
            headers: stand in every answer that does not bring its own.
        """
        self.app = app
        self.table = table
        self.elsewhere = Elsewhere(elsewhere)
        self.addresses = addresses
        self.headers = tuple(headers)
        self.observers = tuple(observers)
        self.sampler = sampler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.elsewhere.app(scope, receive, send)
            return
        started = perf_counter()
        exchange = self._open(scope)
        for observer in self.observers:
            observer.begun()
        try:
            await self._serve(scope, receive, send, exchange)
        finally:
            seconds = perf_counter() - started
            for observer in self.observers:
                observer.ended(exchange, seconds)

    def _open(self, scope: Scope) -> Exchange:
        command_id = new_id()
        exchange = Exchange(scope, command_id)
        headers = exchange.headers
        exchange.request_id = request_id_of(headers.get(b"x-request-id")) or text_of(command_id)
        traceparent = headers.get(b"traceparent")
        trace = self.sampler.begin(None if traceparent is None else traceparent.decode("latin-1"))
        exchange.trace, exchange.traceparent = trace, trace.traceparent
        begin_work(exchange.request_id, exchange.traceparent)
        exchange.address = self.addresses.of(scope["client"], headers.get(b"x-forwarded-for"))
        exchange.answer_headers = [(b"x-request-id", exchange.request_id.encode()), *self.headers]
        return exchange

    async def _serve(self, scope: Scope, receive: Receive, send: Send, exchange: Exchange) -> None:
        try:
            if len(exchange.headers) != len(scope["headers"]):
                refuse_repeated_headers(scope["headers"])
            self._route(scope, exchange)
            await self.app(scope, receive, send)
        except Exception as error:
            if is_bug(error):
                _log.error("request failed", exc_info=error, request_id=exchange.request_id, route=exchange.route)
            if exchange.status:
                raise  # The answer has begun: all that is left is to cut it off.
            await send_reply(exchange, send, problem_reply(error, exchange.path[:PATH_SHOWN_MAX]))

    def _route(self, scope: Scope, exchange: Exchange) -> None:
        found = self.table.find(exchange.path)
        if found is None:
            scope["endpoint"] = self.elsewhere
            return
        place, exchange.path_values = found
        exchange.route = place.template
        endpoint = place.endpoints.get(exchange.method)
        scope["endpoint"] = endpoint if endpoint is not None else OtherMethod(place.allowed)


async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
    """The innermost layer."""
    await scope["endpoint"](scope, receive, send)


class OtherMethod:
    """A path that exists, asked by a method that it does not have."""

    scope: str | None = None
    deadline = True
    for_many = False

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        if exchange.method != "OPTIONS":
            raise MethodNotAllowed(exchange.method, self.allowed)
        await send_reply(exchange, send, Reply(204, [(b"allow", ", ".join(self.allowed).encode())]))


class Elsewhere:
    """The paths that are in no table: files, and nothing at all."""

    scope: str | None = None
    deadline = True
    for_many = False

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                own = {name.lower() for name, _ in message.get("headers", ())}
                added = [header for header in exchange.answer_headers if header[0] not in own]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        scope["app"] = self.app  # Makes Starlette raise what it would otherwise answer in plain text.
        try:
            await self.app(scope, receive, send_with_headers)
        except HTTPException as error:
            if error.status_code == 405:
                allowed = (error.headers or {}).get("Allow", "GET, HEAD").split(", ")
                raise MethodNotAllowed(exchange.method, allowed) from None
            raise NotFound(f"{exchange.path[:PATH_SHOWN_MAX]} does not exist.") from None


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """What stands where no file does."""
    if scope["type"] == "http":
        raise NotFound(f"{Exchange.of(scope).path[:PATH_SHOWN_MAX]} does not exist.")
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
