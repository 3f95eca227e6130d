"""One line a request: what was asked by its template, how it ended, how long it took, who asked."""

import asyncio
import atexit
from datetime import datetime
from typing import Final, Literal, TextIO

import msgspec
import structlog
from msgspec import Struct

from sigdep.http.exchange import Exchange
from sigdep.http.stamps import utc_now
from sigdep.telemetry.trace import trace_id_of

FLUSH_SECONDS: Final = 0.2
"""A line is written so much later at most: many at once cost a fraction of one by one."""

BUFFERED_LINES_MAX: Final = 500

_encode: Final = msgspec.json.Encoder().encode


class RequestLine(Struct, frozen=True, kw_only=True, tag_field="event", tag="request"):
    """Ids and figures only: no path, no query, no address, nothing that was said."""

    level: Literal["info"] = "info"
    timestamp: datetime
    method: str
    route: str | None
    status: int
    ms: float
    request_id: str
    trace_id: str | None
    user_id: str | None


class RequestLog:
    """An observer that writes a line for each request: JSON, or to a terminal as structlog shows it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._pretty = stream.isatty()
        self._log = structlog.get_logger("sigdep.requests")
        self._lines: list[bytes] = []
        atexit.register(self.flush)

    def begun(self) -> None:
        """Nothing is said before the end."""

    def ended(self, exchange: Exchange, seconds: float) -> None:
        principal = exchange.principal
        line = RequestLine(
            timestamp=utc_now(),
            method=exchange.method,
            route=exchange.route,
            status=exchange.status,
            ms=round(seconds * 1_000, 2),
            request_id=exchange.request_id,
            trace_id=trace_id_of(exchange.traceparent),
            user_id=None if principal is None else str(principal.user_id),
        )
        if self._pretty:
            shown = msgspec.to_builtins(line)
            self._log.info(shown.pop("event"), **{name: shown[name] for name in shown.keys() - {"level", "timestamp"}})
            return
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._lines.append(_encode(line))
        if len(self._lines) >= BUFFERED_LINES_MAX:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._lines and not self._stream.closed:
            lines, self._lines = self._lines, []
            self._stream.write(b"\n".join(lines).decode() + "\n")
            self._stream.flush()
