"""What the parts behind the gateway count, for Prometheus."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sigdep.services.projector import Projector


class PartMetrics(Collector):
    """Looks at each projector when somebody asks: nothing is counted on the way of an event."""

    def __init__(self, projectors: Sequence[Projector]) -> None:
        self._projectors = projectors

    def collect(self) -> Iterator[Metric]:
        applied = GaugeMetricFamily("sigdep_projector_events", "Events that reads reflect.", labels=("read_model",))
        parked = GaugeMetricFamily("sigdep_projector_parked_streams", "Streams set aside.", labels=("read_model",))
        fit = GaugeMetricFamily("sigdep_projector_fit", "1: it follows the log.", labels=("read_model",))
        for projector in self._projectors:
            applied.add_metric((projector.name,), sum(projector.positions.values()))
            parked.add_metric((projector.name,), projector.parked_streams)
            fit.add_metric((projector.name,), projector.is_fit)
        yield from (applied, parked, fit)
