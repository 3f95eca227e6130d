"""How long appends take, how they end, and how many share a commit."""

from collections.abc import Iterator
from time import perf_counter

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sigdep.gateway.tallies import Counts, Durations
from sigdep.kernel.flushes import GROUP_SIZES, Sizes
from sigdep.kernel.store import Append, Appended, EventStore
from sigdep.services.observing.store_layer import StoreLayer
from sigdep.telemetry.outcomes import OK, outcome_of


class AppendFigures(Collector):
    """Of all logs that this process writes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.appends = Counts("sigdep_appends", "Appends that were asked for.", ("log", "outcome"), registry=registry)
        self.events = Counts(
            "sigdep_appended_events", "Events of appends that were stored.", ("log",), registry=registry
        )
        self.seconds = Durations(
            "sigdep_append_seconds",
            "From an append to its answer, waiting for its commit included.",
            ("log",),
            registry=registry,
        )
        self._stores: dict[str, EventStore] = {}
        registry.register(self)

    def measure(self, log: str, store: EventStore) -> EventStore:
        self._stores[log] = store
        return MeasuredStore(log, store, self)

    def collect(self) -> Iterator[Metric]:
        appends = HistogramMetricFamily("sigdep_flush_appends", "Appends that share a commit.", labels=("log",))
        events = HistogramMetricFamily("sigdep_flush_events", "Events that share a commit.", labels=("log",))
        seconds = CounterMetricFamily("sigdep_flush_seconds", "Time that commits have taken.", labels=("log",))
        waiting = GaugeMetricFamily("sigdep_append_queue", "Appends that wait for a commit.", labels=("log",))
        for log, store in self._stores.items():
            flushes = store.flushes
            appends.add_metric((log,), *_histogram(flushes.appends))
            events.add_metric((log,), *_histogram(flushes.events))
            seconds.add_metric((log,), flushes.seconds)
            waiting.add_metric((log,), store.waiting)
        yield from (appends, events, seconds, waiting)


def _histogram(sizes: Sizes) -> tuple[list[tuple[str, float]], float]:
    """Cumulative, as Prometheus wants it."""
    buckets, total = list[tuple[str, float]](), 0
    for bound, count in zip((*map(str, GROUP_SIZES), "+Inf"), sizes.counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets, sizes.sum


class MeasuredStore(StoreLayer):
    """An EventStore whose appends are counted and timed."""

    def __init__(self, log: str, store: EventStore, figures: AppendFigures) -> None:
        super().__init__(store)
        self._log = log
        self._figures = figures
        self._seconds = figures.seconds.labels(log)
        self._events = figures.events.labels(log)
        self._stored = figures.appends.labels(log, OK)

    async def append(self, append: Append) -> Appended:
        begun = perf_counter()
        try:
            appended = await self._store.append(append)
        except BaseException as error:
            self._figures.appends.labels(self._log, outcome_of(error)).inc()
            self._seconds.observe(perf_counter() - begun)
            raise
        self._seconds.observe(perf_counter() - begun)
        self._stored.inc()
        if not appended.repeated:
            self._events.inc(sum([len(write.events) for write in append.writes]))
        return appended
