"""What the gateway counts, for Prometheus. Children are kept: finding one by its labels costs more than counting."""

from typing import Final

from prometheus_client import Gauge

from sigdep.gateway.figures import Figures
from sigdep.gateway.tallies import Count, Counts, Duration, Durations
from sigdep.http.exchange import Exchange

METHODS: Final = frozenset(("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"))


class Metrics(Figures):
    """An observer of requests, and the figures that everybody else in the process may add to."""

    def __init__(self) -> None:
        super().__init__()
        self._requests = Counts(
            "sigdep_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Durations(
            "sigdep_http_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("method", "route"),
            registry=self.registry,
        )
        self._in_flight = Gauge("sigdep_http_requests_in_flight", "Requests being answered.", registry=self.registry)
        self._counts: dict[tuple[str, str | None, int], Count] = {}
        self._durations: dict[tuple[str, str | None], Duration] = {}
        self._running = 0
        self._in_flight.set_function(lambda: self._running)

    def begun(self) -> None:
        self._running += 1

    def ended(self, exchange: Exchange, seconds: float) -> None:
        """Paths that do not exist, and methods that nobody has heard of, share one name: labels are bounded."""
        self._running -= 1
        method = exchange.method if exchange.method in METHODS else "OTHER"
        place = method, exchange.route
        counted = (*place, exchange.status)
        count = self._counts.get(counted)
        if count is None:
            count = self._counts[counted] = self._requests.labels(
                method, exchange.route or "none", str(exchange.status)
            )
        count.inc()
        duration = self._durations.get(place)
        if duration is None:
            duration = self._durations[place] = self._seconds.labels(method, exchange.route or "none")
        duration.observe(seconds)
