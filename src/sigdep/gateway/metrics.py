"""What the gateway counts, for Prometheus. Children are kept: finding one by its labels costs more than counting."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from sigdep.gateway.figures import BUCKETS_SECONDS, Figures
from sigdep.http.exchange import Exchange

METHODS: Final = frozenset(("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"))


class Metrics(Figures):
    """An observer of requests, and the figures that everybody else in the process may add to."""

    def __init__(self) -> None:
        super().__init__()
        self._requests = Counter(
            "sigdep_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "sigdep_http_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("method", "route"),
            buckets=BUCKETS_SECONDS,
            registry=self.registry,
        )
        self._in_flight = Gauge("sigdep_http_requests_in_flight", "Requests being answered.", registry=self.registry)
        self._counters: dict[tuple[str, str | None, int], Counter] = {}
        self._histograms: dict[tuple[str, str | None], Histogram] = {}
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
        counter = self._counters.get(counted)
        if counter is None:
            counter = self._counters[counted] = self._requests.labels(method, exchange.route or "none", exchange.status)
        counter.inc()
        histogram = self._histograms.get(place)
        if histogram is None:
            histogram = self._histograms[place] = self._seconds.labels(method, exchange.route or "none")
        histogram.observe(seconds)
