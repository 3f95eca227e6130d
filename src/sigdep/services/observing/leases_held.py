"""Which leases this replica holds."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sigdep.services.leased import Leased


class LeaseFigures(Collector):
    def __init__(self, service: str) -> None:
        """
        Args:
            service: whose replicas share the leases. Another service may have one of the same name.
        """
        self._service = service
        self._leased: dict[str, Leased] = {}

    def add(self, leased: Leased) -> None:
        self._leased[leased.name] = leased

    def collect(self) -> Iterator[Metric]:
        held = GaugeMetricFamily("sigdep_lease_held", "1: this replica holds it.", labels=("service", "lease"))
        terms = CounterMetricFamily("sigdep_lease_terms", "How often this replica got it.", labels=("service", "lease"))
        for leased in self._leased.values():
            held.add_metric((self._service, leased.name), leased.is_held)
            terms.add_metric((self._service, leased.name), leased.terms)
        yield from (held, terms)
