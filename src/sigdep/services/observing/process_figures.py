"""The process itself: what it is, what it takes, whether its event loop keeps up, what becomes of its spans."""

import asyncio
from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sigdep.telemetry.queue import SpanQueue

PROBE_SECONDS: Final = 0.25
"""Between looks at how late the event loop is."""

DELAY_BUCKETS_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


def show_process(registry: CollectorRegistry, service: str) -> None:
    """CPU, memory, open files; and which release runs."""
    ProcessCollector(registry=registry)
    info = Gauge("sigdep_build_info", "1: this runs.", ("service", "version"), registry=registry)
    info.labels(service, version("sigdep")).set(1)


async def probe_loop(registry: CollectorRegistry) -> None:
    """Measure for ever how late a timer rings: so long everybody else waits too."""
    late = Histogram(
        "sigdep_event_loop_delay_seconds",
        "How late the event loop is: something that it should not do keeps it, or it has too much to do.",
        buckets=DELAY_BUCKETS_SECONDS,
        registry=registry,
    )
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + PROBE_SECONDS
        await asyncio.sleep(PROBE_SECONDS)
        late.observe(max(0.0, loop.time() - due))


class SpanFigures(Collector):
    """Nothing, where nothing is traced."""

    def __init__(self, spans: SpanQueue | None) -> None:
        self._spans = spans

    def collect(self) -> Iterator[Metric]:
        spans = CounterMetricFamily("sigdep_trace_spans", "Spans by what became of them.", labels=("outcome",))
        waiting = GaugeMetricFamily("sigdep_trace_queue", "Spans that wait to be exported.")
        queue = self._spans
        spans.add_metric(("exported",), 0 if queue is None else queue.exported)
        spans.add_metric(("failed",), 0 if queue is None else queue.failed)
        spans.add_metric(("dropped",), 0 if queue is None else queue.dropped)
        waiting.add_metric((), 0 if queue is None else len(queue))
        yield from (spans, waiting)
