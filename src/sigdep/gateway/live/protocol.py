"""WebSockets by uvicorn and websockets, with the bounds and the manners that they leave to others."""

import asyncio
import logging
import socket
from collections import deque
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from sigdep.gateway.live.bounds import (
    LINGER_SECONDS,
    QUEUE_BYTES_MAX,
    SEND_BUFFER_BYTES,
    STOP_SECONDS,
    WRITE_BYTES_MAX,
)
from sigdep.gateway.live.closing import REASONS, Close

INVALID_TEXT: Final = 1007
"""A text is no UTF-8 (RFC 6455 §7.4.1)."""

_logger: Final = logging.getLogger("sigdep.websockets")
_logger.setLevel(logging.WARNING)  # Below it uvicorn tells of every connection, and where it comes from.


class LiveProtocol(WebSocketsSansIOProtocol):
    """One connection, and its `Outlet`, which applications find in `scope["sigdep.outlet"]`.

    Frames are written as they are, past ASGI: made once for all connections, and never waited for.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.logger = self.conn.logger = _logger
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self._abort_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=WRITE_BYTES_MAX)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        self._throw_away()
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        super().connection_lost(exc)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            cast(dict[str, Any], self.scope)["sigdep.outlet"] = self

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # Whoever is turned away has been answered; uvicorn would complain.

    @property
    def closed(self) -> bool:
        return self.close_sent or self.disconnected or self.transport.is_closing()

    @property
    def waiting(self) -> bool:
        return bool(self._kept) or not self.writable.is_set()

    def send_frames(self, frames: bytes) -> None:
        if self.closed:
            return
        if not self._kept and self.writable.is_set():
            self.transport.write(frames)
            return
        if self._kept and self._kept_bytes + len(frames) > QUEUE_BYTES_MAX:
            self.end(Close.TOO_SLOW)
            return
        self._kept.append(frames)
        self._kept_bytes += len(frames)
        self._empty.clear()

    async def drained(self) -> None:
        while not self.closed and self.waiting:
            await self._empty.wait()
            await self.writable.wait()

    def resume_writing(self) -> None:
        super().resume_writing()
        while self._kept and self.writable.is_set() and not self.closed:
            frames = self._kept.popleft()
            self._kept_bytes -= len(frames)
            self.transport.write(frames)  # May call `pause_writing`.
        if not self._kept:
            self._empty.set()

    def end(self, code: Close) -> None:
        if self.closed or not self.handshake_complete:
            return
        self._throw_away()
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code.value, "reason": REASONS[code]})
        self.conn.send_close(code.value, REASONS[code])
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:  # The answer to a close is read by nobody but us.
            self.read_paused = False
            self.transport.resume_reading()
        # uvicorn would close the transport now; a set timer makes it wait for the client to answer.
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def handle_ping(self) -> None:
        """Who sends pings and reads no pongs gets none: they would pile up here."""
        pong = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(pong)

    def handle_cont(self, event: Frame) -> None:
        if event.data or event.fin:  # Empty parts of a message that never ends would pile up, and count for nothing.
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_text(b"".join(self.frames)):
            self.frames = []
            self.conn.fail(INVALID_TEXT, "This is no UTF-8.")
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def handle_close(self, event: Frame) -> None:
        self._throw_away()
        super().handle_close(event)
        self._abort_after(LINGER_SECONDS)

    def handle_parser_exception(self) -> None:
        self._throw_away()
        super().handle_parser_exception()
        self._abort_after(LINGER_SECONDS)

    def keepalive_timeout(self) -> None:
        self.pong_timer = None
        self.end(Close.SILENT)

    def shutdown(self) -> None:
        self._throw_away()
        super().shutdown()
        self._abort_after(STOP_SECONDS)

    def _abort_after(self, seconds: float) -> None:
        """A transport that closes sends what it holds first, for however long its peer does not read."""
        if self._abort_timer is None and not self.disconnected:
            self._abort_timer = self.loop.call_later(seconds, self.transport.abort)

    def _throw_away(self) -> None:
        self._kept.clear()
        self._kept_bytes = 0
        self._empty.set()


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
