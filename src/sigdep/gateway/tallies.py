"""Counts and durations as plain numbers: what is measured with every request must cost little beside it.

They are shown as prometheus_client's counters and histograms, which take five times as long to guard each number with a
lock and to look through the buckets one by one. All that is counted here is counted by one thread.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sigdep.gateway.figures import BUCKETS_SECONDS

Labels = tuple[str, ...]

_BOUNDS: Final = (*map(str, BUCKETS_SECONDS), "+Inf")


class Count:
    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self, more: int = 1) -> None:
        self.value += more


class Counts(Collector):
    """How often something happens, by labels. Keep what `labels` gives: finding it costs more than counting."""

    def __init__(self, name: str, meaning: str, labels: Labels, *, registry: CollectorRegistry) -> None:
        self._name, self._meaning, self._labels = name, meaning, labels
        self._counts: dict[Labels, Count] = {}
        registry.register(self)

    def labels(self, *values: str) -> Count:
        return self._counts.setdefault(values, Count())

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(self._name, self._meaning, labels=self._labels)
        for labels, count in self._counts.items():
            family.add_metric(labels, count.value)
        yield family


class Duration:
    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * len(_BOUNDS)
        """In each bucket, and past the last."""
        self.seconds = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self.seconds += seconds


class Durations(Collector):
    """How long something takes, by labels. Keep what `labels` gives here too."""

    def __init__(self, name: str, meaning: str, labels: Labels, *, registry: CollectorRegistry) -> None:
        self._name, self._meaning, self._labels = name, meaning, labels
        self._durations: dict[Labels, Duration] = {}
        registry.register(self)

    def labels(self, *values: str) -> Duration:
        return self._durations.setdefault(values, Duration())

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(self._name, self._meaning, labels=self._labels)
        for labels, duration in self._durations.items():
            family.add_metric(labels, list(zip(_BOUNDS, accumulate(duration.counts), strict=True)), duration.seconds)
        yield family
