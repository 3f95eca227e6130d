"""HTTP/1.1 by uvicorn and httptools, with the bounds and the manners that they leave to others."""

import asyncio
import math
from typing import Any, Final, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from sigdep.gateway.doors import Doors
from sigdep.gateway.lingering import LingeringTransport
from sigdep.http.exchange import Exchange, Header
from sigdep.http.problems import KINDS, MEDIA_TYPE, Problem, kind_of
from sigdep.http.refusals import Malformed
from sigdep.http.stamps import new_id
from sigdep.kernel.errors import TooMany, Unavailable
from sigdep.kernel.ids import text_of

HEAD_BYTES_MAX: Final = 65_536
"""Of one request line and its headers."""

HEAD_SECONDS_MAX: Final = 10.0
"""From the first byte of a request to the end of its headers."""


class GatewayProtocol(HttpToolsProtocol):
    """For `uvicorn.Config(http=partial(GatewayProtocol, doors=doors))`.

    What is no HTTP at all is told so in problem+json. A client that never ends its headers, or sends nothing, is let
    go. What streams can see in `scope["sigdep.connection"].stopping` that the server is about to end.
    """

    def __init__(self, *arguments: Any, doors: Doors, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.stopping = False
        self._doors = doors
        self._inside: str | None = None
        """The name by which it leaves. None: it was not let in, or has left."""
        self._turned_away = False
        self._head_bytes = 0
        self._in_head = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._lingering = LingeringTransport(transport, self.loop, self._more_to_come)
        super().connection_made(cast(asyncio.Transport, self._lingering))
        try:
            self._inside = self._doors.enter(self.client)
        except (TooMany, Unavailable) as error:
            self._turned_away = True
            self._refuse(kind_of(type(error)).status, error.detail, error.retry_after_seconds)
            return
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._unset_keepalive_if_required()
        self._lingering.forget()
        self._leave()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._leave()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        if self._lingering.lingers:
            self._lingering.throw_away(data)
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if not self._in_head:
            return
        if self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(431, f"The headers have more than {HEAD_BYTES_MAX:,} bytes.")
        elif self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(HEAD_SECONDS_MAX, self._head_overdue)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_head_timer()
        cast(dict[str, Any], self.scope)["sigdep.connection"] = self
        super().on_headers_complete()

    def reply_at_once(self, exchange: Exchange, status: int, headers: list[Header], body: bytes) -> bool:
        """What two calls of uvicorn's `send` do, for an answer that is whole, in a third of the time.

        False: not now; use `send`.
        """
        cycle = self.cycle
        if not exchange.belongs_to(cast(dict[str, Any], cycle.scope)):  # A later request has come in, and waits.
            return False
        if cycle.flow.write_paused or cycle.response_started:
            return False
        if cycle.disconnected:
            return True
        if status >= 400 and (b"connection", b"close") in headers:
            cycle.keep_alive = False
        elif not cycle.keep_alive:
            headers.append((b"connection", b"close"))
        lines = b"".join([b"%s: %s\r\n" % header for header in [*cycle.default_headers, *headers]])
        if lines.count(b"\n") != len(cycle.default_headers) + len(headers):
            raise RuntimeError("A header of an answer holds a line break.")
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        self.transport.write(b"".join((STATUS_LINE[status], lines, b"\r\n", body)))
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
        return True

    def shutdown(self) -> None:
        self.stopping = True
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "This is no valid HTTP/1.1 request.")

    def _more_to_come(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        # Who is turned away hears it before they have asked.
        return self._turned_away or self._in_head or (cycle is not None and cycle.more_body)

    def _head_overdue(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self._refuse(408, f"The headers had not arrived after {HEAD_SECONDS_MAX:g} seconds.")

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _leave(self) -> None:
        if self._inside is not None:
            self._doors.leave(self._inside)
            self._inside = None

    def _refuse(self, status: int, detail: str, retry_after_seconds: float | None = None) -> None:
        """Answer below the application, and end the connection."""
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:  # Whoever waits for its body learns that none will come.
            cycle.disconnected = True
            cycle.message_event.set()
        kind = next((kind for kind in KINDS if kind.status == status), next(k for k in KINDS if k.error is Malformed))
        body = msgspec.json.encode(Problem(type=kind.type, title=kind.title, status=status, detail=detail))
        headers = {b"content-type": MEDIA_TYPE.encode(), b"content-length": b"%d" % len(body), b"connection": b"close"}
        headers[b"x-request-id"] = text_of(new_id()).encode()
        if retry_after_seconds is not None:
            headers[b"retry-after"] = b"%d" % math.ceil(retry_after_seconds)
        lines = b"".join(b"%s: %s\r\n" % header for header in [*self.server_state.default_headers, *headers.items()])
        self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + body)
        self.transport.close()
