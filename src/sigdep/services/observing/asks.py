"""What services are asked: how often, how it ends, how long it takes. On the side that answers, and that asks."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sigdep.gateway.tallies import Count, Counts, Duration, Durations
from sigdep.kernel.messages import Command, Query
from sigdep.rpc.call import Answer, Call, Service
from sigdep.telemetry.outcomes import OK, outcome_of

SLOW_SECONDS: Final = 1.0
"""What takes longer has a line in the log, with its trace."""

_log = structlog.get_logger("sigdep.asks")


class AskFigures(Collector):
    """Of all services on one side."""

    def __init__(self, registry: CollectorRegistry, side: str, meaning: str) -> None:
        """
        Args:
            side: part of the names: `service`, or `peer`.
        """
        self.asks = Counts(
            f"sigdep_{side}_asks", f"Messages that {meaning}.", ("service", "message", "outcome"), registry=registry
        )
        self.seconds = Durations(
            f"sigdep_{side}_ask_seconds",
            "From a message to its answer.",
            ("service", "message"),
            registry=registry,
        )
        self._in_flight_name = f"sigdep_{side}_asks_in_flight"
        self._services: dict[str, MeasuredService] = {}
        registry.register(self)

    def measure(self, name: str, service: Service) -> Service:
        measured = self._services[name] = MeasuredService(name, service, self)
        return measured

    def collect(self) -> Iterator[Metric]:
        running = GaugeMetricFamily(self._in_flight_name, "Messages without an answer yet.", labels=("service",))
        for name, service in self._services.items():
            running.add_metric((name,), service.running)
        yield running


class MeasuredService:
    """A Service whose messages are counted and timed. Labels are bounded: there are only so many types of messages."""

    def __init__(self, name: str, service: Service, figures: AskFigures) -> None:
        self.running = 0
        self._name = name
        self._service = service
        self._figures = figures
        # Finding a child by its labels costs more than counting.
        self._counts: dict[tuple[type, str], Count] = {}
        self._durations: dict[type, Duration] = {}

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        begun, outcome = perf_counter(), OK
        self.running += 1
        try:
            return await self._service.ask(message, call)
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            self.running -= 1
            self._count(type(message), outcome, perf_counter() - begun)

    def _count(self, kind: type, outcome: str, seconds: float) -> None:
        count = self._counts.get((kind, outcome))
        if count is None:
            count = self._counts[kind, outcome] = self._figures.asks.labels(self._name, kind.__name__, outcome)
        count.inc()
        duration = self._durations.get(kind)
        if duration is None:
            duration = self._durations[kind] = self._figures.seconds.labels(self._name, kind.__name__)
        duration.observe(seconds)
        if seconds > SLOW_SECONDS:
            _log.warning(
                "slow call", called=self._name, message=kind.__name__, outcome=outcome, ms=round(seconds * 1_000)
            )
