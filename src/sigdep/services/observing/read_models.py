"""What projectors show: what they have applied, what they have set aside, how far a rebuild is."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sigdep.kernel.ids import Positions
from sigdep.services.rebuilding import Progress


class Projecting(Protocol):
    """A projector, alone or one of several replicas."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def positions(self) -> Positions: ...
    @property
    def is_fit(self) -> bool: ...
    @property
    def has_build(self) -> bool: ...
    @property
    def parked_streams(self) -> int: ...
    @property
    def rebuilding(self) -> Progress | None: ...
    @property
    def waiting_reads(self) -> int: ...


class ReadModelFigures(Collector):
    """Looks at each projector when somebody asks: nothing is counted on the way of an event."""

    def __init__(self) -> None:
        self._projectors: dict[str, Projecting] = {}

    def add(self, projector: Projecting) -> None:
        self._projectors[projector.name] = projector

    def collect(self) -> Iterator[Metric]:
        families = {name: _gauge(name, meaning) for name, meaning in _MEANINGS.items()}
        for projector in self._projectors.values():
            rebuild = projector.rebuilding
            shown = {
                "sigdep_projector_events": sum(projector.positions.values()),
                "sigdep_projector_fit": projector.is_fit,
                "sigdep_projector_waiting_reads": projector.waiting_reads,
                "sigdep_rebuild_done_events": 0 if rebuild is None else rebuild.done,
                "sigdep_rebuild_all_events": 0 if rebuild is None else rebuild.total,
                "sigdep_rebuild_events_per_second": 0 if rebuild is None else rebuild.events_per_second,
            }
            for name, value in shown.items():
                families[name].add_metric((projector.name,), value)
        yield from families.values()


_MEANINGS: Mapping[str, str] = {
    "sigdep_projector_events": "Events that reads reflect.",
    "sigdep_projector_fit": "1: it follows the log.",
    "sigdep_projector_waiting_reads": "Reads that wait for a position.",
    "sigdep_rebuild_done_events": "Events that a rebuild has applied; 0: there is none.",
    "sigdep_rebuild_all_events": "Events that it will have applied; 0: there is none.",
    "sigdep_rebuild_events_per_second": "How many it applies; 0: there is none.",
}


def _gauge(name: str, meaning: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=("read_model",))
