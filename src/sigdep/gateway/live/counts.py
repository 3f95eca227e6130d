"""What `/api/live` counts, for Prometheus: plain numbers, looked at when somebody asks."""

from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.gateway.live.closing import Close
from sigdep.gateway.live.push_spans import PushSpans


class Counts(Collector):
    def __init__(self, spans: PushSpans | None = None) -> None:
        self._spans = spans
        self.connections = 0
        self.subscriptions = 0
        self.workspaces = 0
        self.messages = 0
        """Events, counted for each reader."""
        self.catch_ups = 0
        self.closed: Counter[str] = Counter()
        """Connections that we ended, by why."""

    def told(self, events: Sequence[CloudEvent], listeners: int, seconds: float) -> None:
        """What was written to all who hear a workspace, and how long that took."""
        if self._spans is not None:
            self._spans.told(events, listeners, seconds)

    def ended(self, code: int) -> None:
        for why in Close:
            if why == code:
                self.closed[why.name.lower()] += 1

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("sigdep_live_connections", "WebSockets that are open.", self.connections)
        yield GaugeMetricFamily("sigdep_live_subscriptions", "Workspaces heard, for each.", self.subscriptions)
        yield GaugeMetricFamily("sigdep_live_workspaces", "Workspaces that somebody hears.", self.workspaces)
        yield CounterMetricFamily("sigdep_live_messages", "Events sent, for each reader.", self.messages)
        yield CounterMetricFamily("sigdep_live_catch_ups", "Pages read from logs for those behind.", self.catch_ups)
        closed = CounterMetricFamily("sigdep_live_closed", "WebSockets that we ended, by why.", labels=("why",))
        for code in Close:
            name = code.name.lower()
            closed.add_metric((name,), self.closed[name])
        yield closed
