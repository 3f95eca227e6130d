"""Records requests as spans: those that are traced, and of the others those that failed or took long."""

from collections.abc import Collection
from time import time_ns
from typing import Final

from sigdep.gateway.metrics import METHODS
from sigdep.http.exchange import Exchange
from sigdep.telemetry.outcomes import BUG
from sigdep.telemetry.spans import Span, Spans, Value

SLOW_SECONDS: Final = 1.0
"""A request that takes longer is recorded whether or not it is traced; then it is a trace of one span."""


class RequestSpans:
    """An observer of requests."""

    def __init__(self, spans: Spans, *, https: bool, patient: Collection[str]) -> None:
        """
        Args:
            https: how clients reach us.
            patient: routes that may take as long as they like.
        """
        self._spans = spans
        self._scheme = "https" if https else "http"
        self._patient = frozenset(patient)

    def begun(self) -> None:
        """Nothing is known before the end."""

    def ended(self, exchange: Exchange, seconds: float) -> None:
        trace = exchange.trace
        if trace is None or not (trace.sampled or self._stands_out(exchange, seconds)):
            return
        method = exchange.method if exchange.method in METHODS else "_OTHER"
        attributes: dict[str, Value] = {
            "http.request.method": method,
            "http.response.status_code": exchange.status,
            "url.scheme": self._scheme,
            "sigdep.request_id": exchange.request_id,
        }
        if exchange.route is not None:
            attributes["http.route"] = exchange.route
        ended = time_ns()
        self._spans.take(
            Span(
                trace=trace,
                name=method if exchange.route is None else f"{method} {exchange.route}",
                kind="server",
                started_ns=ended - int(seconds * 1e9),
                ended_ns=ended,
                attributes=attributes,
                error=_error_of(exchange.status),
            )
        )

    def _stands_out(self, exchange: Exchange, seconds: float) -> bool:
        return exchange.status >= 500 or (seconds > SLOW_SECONDS and exchange.route not in self._patient)


def _error_of(status: int) -> str | None:
    """A client that was refused has made a mistake of its own."""
    if status == 0:
        return BUG  # Nothing was answered.
    return str(status) if status >= 500 else None
