"""How late reminders are, what waits for its turn, and how deliveries end."""

from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CALL_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30)

LATE_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3_600, 86_400)

OUTCOMES: Final = ("sent", "postponed", "failed", "suppressed")


class Due(Protocol):
    """Work whose time comes."""

    @property
    def found(self) -> int: ...

    @property
    def overdue_seconds(self) -> float: ...


class ReminderFigures(Collector):
    """Counts for those who remind and send, and looks at what they have not done yet."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._late = Histogram(
            "sigdep_reminder_late_seconds",
            "From when a reminder was due to when its person was told.",
            buckets=LATE_SECONDS,
            registry=registry,
        )
        self._deliveries = Counter(
            "sigdep_deliveries", "Attempts to send, and what was not sent.", ("channel", "outcome"), registry=registry
        )
        self._calls = Histogram(
            "sigdep_delivery_seconds",
            "From when a way out was called to its answer, or to when none was waited for any more.",
            ("channel",),
            buckets=CALL_SECONDS,
            registry=registry,
        )
        self._disabled = Counter(
            "sigdep_webhooks_disabled",
            "Webhooks that were disabled since a delivery has failed for good.",
            registry=registry,
        )
        self._reminders: Due | None = None
        self._senders: Mapping[str, Due] = {}
        registry.register(self)

    def look_at(self, reminders: Due, senders: Mapping[str, Due]) -> None:
        """
        Args:
            senders: by their channels.
        """
        self._reminders, self._senders = reminders, senders
        for channel in senders:
            self._calls.labels(channel)
            for outcome in OUTCOMES:
                self._deliveries.labels(channel, outcome)

    def fired(self, late_seconds: float) -> None:
        self._late.observe(late_seconds)

    def called(self, channel: str, seconds: float) -> None:
        self._calls.labels(channel).observe(seconds)

    def webhook_disabled(self) -> None:
        self._disabled.inc()

    def delivered(self, channel: str, outcome: str) -> None:
        self._deliveries.labels(channel, outcome).inc()

    def collect(self) -> Iterator[Metric]:
        if self._reminders is None:
            return
        due = GaugeMetricFamily("sigdep_reminders_due", "Reminders whose time has come, 500 at the most.")
        due.add_metric((), self._reminders.found)
        overdue = GaugeMetricFamily("sigdep_reminder_overdue_seconds", "How late the one is by now that waits longest.")
        overdue.add_metric((), self._reminders.overdue_seconds)
        waiting = GaugeMetricFamily(
            "sigdep_deliveries_due", "Deliveries whose time has come, 500 at the most.", labels=("channel",)
        )
        late = GaugeMetricFamily(
            "sigdep_delivery_overdue_seconds",
            "How late the delivery is by now that waits longest for its turn.",
            labels=("channel",),
        )
        for channel, work in self._senders.items():
            waiting.add_metric((channel,), work.found)
            late.add_metric((channel,), work.overdue_seconds)
        yield from (due, overdue, waiting, late)
