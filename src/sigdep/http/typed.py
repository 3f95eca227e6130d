"""The typed layer: turns a route into an ASGI endpoint that reads the request, calls the handler, writes the answer."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct, ValidationError
from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from sigdep.http.bodies import BodyReader, read_body
from sigdep.http.calls import matches_none, read_call, write_call
from sigdep.http.exchange import Exchange, Header
from sigdep.http.files import File, FileBody, FileReader, file_reply
from sigdep.http.forms import AnyForm, AnyFormReader, Form, FormReader
from sigdep.http.parameters import ParameterReader, take_dry_run
from sigdep.http.positions import encode_position
from sigdep.http.replies import JSON, Reply, send_reply
from sigdep.http.routes import Body, Parameters, Route
from sigdep.http.signatures import signature_of
from sigdep.kernel.errors import Forbidden, NotFound
from sigdep.rpc.call import Answer, Call, Encoded

NO_STORE: Final[Header] = (b"cache-control", b"no-store")

_encode: Final = msgspec.json.Encoder().encode


class _Identified(Struct):
    """As much of an answer as its Location needs."""

    id: UUID


_decode_id: Final = msgspec.json.Decoder(_Identified).decode


class TypedEndpoint:
    """One route, ready to serve. Whatever the handler raises goes up to the layer that turns it into a problem."""

    deadline = True
    """Its answer is due within the deadline of the gateway."""

    def __init__(self, route: Route, *, fingerprint_key: bytes, location: bool = False) -> None:
        """
        Args:
            fingerprint_key: keys the digests that tell whether an idempotency key came back with the same request.
            location: what the route creates can be read at the route's path and its id.

        Raises:
            UnfitHandler: the handler's signature does not fit.
        """
        self.route = route
        self.signature = signature_of(route)
        self.method: str = route.method
        self.path = route.path
        self.scope = route.scope
        self.for_many = route.for_many
        self.writes = route.method != "GET"
        self._handle: Callable[..., Awaitable[Answer[Any]]] = route.handle
        self._path_types = tuple(self.signature.path_types.items())
        self._fingerprint_key = fingerprint_key
        self._location = location
        self.body = self._body_reader()
        self.query = ParameterReader(self.signature.query or Parameters)

    def _body_reader(self) -> BodyReader[Any] | None:
        """A write without a body of its own still takes `{"dry_run": true}`."""
        kind = self.signature.body or Body
        if not self.writes:
            return None
        if issubclass(kind, FileBody):
            return FileReader(kind)
        if issubclass(kind, AnyForm):
            return AnyFormReader(kind)
        return FormReader(kind) if issubclass(kind, Form) else BodyReader(kind)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        if self.route.secret:
            exchange.answer_headers = [*(h for h in exchange.answer_headers if h[0] != NO_STORE[0]), NO_STORE]
        arguments = self._path_arguments(exchange)
        if self.body is None:
            call = await self._prepare_read(exchange, arguments)
        else:
            call = await self._prepare_write(exchange, arguments, self.body, receive)
        try:
            answer = await self._handle(call, **arguments)
        except (NotFound, Forbidden):
            # A "no" may rest on roles that are a second old. It is given only when they still hold.
            if not await _roles_have_changed(exchange):
                raise
            answer = await self._handle(replace(call, principal=exchange.principal), **arguments)
        if type(answer.value) is File:
            headers = _position_of(answer)
            await send_reply(exchange, send, await file_reply(exchange, answer.value, headers))
            return
        await send_reply(exchange, send, self._reply(exchange, answer))

    def _path_arguments(self, exchange: Exchange) -> dict[str, Any]:
        """
        Raises:
            NotFound: a part of the path is no id: nothing can have that name.
        """
        arguments: dict[str, Any] = {}
        for (name, kind), text in zip(self._path_types, exchange.path_values, strict=True):
            try:
                arguments[name] = msgspec.convert(text, kind, strict=False)
            except ValidationError:
                raise NotFound(f"{exchange.path} does not exist.") from None
        return arguments

    async def _prepare_read(self, exchange: Exchange, arguments: dict[str, Any]) -> Call:
        query = self.query.read(exchange.query)
        if self.signature.query is not None:
            arguments["query"] = query
        return read_call(exchange)

    async def _prepare_write(
        self, exchange: Exchange, arguments: dict[str, Any], reader: BodyReader[Any], receive: Receive
    ) -> Call:
        octets = await read_body(exchange, receive, reader.bytes_max)
        rest, dry_run = take_dry_run(exchange.query)
        query = self.query.read(rest)
        if self.signature.query is not None:
            arguments["query"] = query
        body = reader.read(octets, exchange.headers)
        if self.signature.body is not None:
            arguments["body"] = body
        return write_call(exchange, octets, dry_run=dry_run or body.dry_run, fingerprint_key=self._fingerprint_key)

    def _reply(self, exchange: Exchange, answer: Answer[Any]) -> Reply:
        headers = _position_of(answer)
        version = answer.version
        if version is not None:
            headers.append((b"etag", b'"%d"' % version))
            if not self.writes:
                given = exchange.headers.get(b"if-none-match")
                if given is not None and matches_none(given, version):
                    return Reply(304, headers)
        value = answer.value
        if value is None:
            return Reply(204, headers)
        body = value.json if type(value) is Encoded else _encode(value)
        headers.append(JSON)
        if answer.created:
            if self._location:
                headers.append((b"location", f"{self.path_of(exchange)}/{_decode_id(body).id}".encode()))
            return Reply(201, headers, body)
        return Reply(200, headers, body)

    def path_of(self, exchange: Exchange) -> str:
        """The path of this request, with plural names."""
        if not exchange.path_values:
            return self.path
        parts = iter(exchange.path_values)
        return "/".join(next(parts) if part.startswith("{") else part for part in self.path.split("/"))


def _position_of(answer: Answer[Any]) -> list[Header]:
    return [] if answer.position is None else [(b"sigdep-position", encode_position(answer.position).encode())]


async def _roles_have_changed(exchange: Exchange) -> bool:
    """Asks for the principal past every cache, once a request, and keeps it."""
    again = await exchange.ask_again() if exchange.ask_again is not None else None
    if again is None:
        return False
    exchange.principal = again
    return True
