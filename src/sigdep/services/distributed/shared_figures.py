"""Whether what processes share can be reached, for Prometheus."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sigdep.services.distributed.shared import Way


class SharedFigures(Collector):
    """Whether each way is open: no fault of this process, and so nothing for its health."""

    def __init__(self, ways: Sequence[Way]) -> None:
        self._ways = ways

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("sigdep_redis_up", "0: Redis is away, this process goes on alone.", labels=("purpose",))
        losses = CounterMetricFamily("sigdep_redis_losses", "What Redis did not answer in time.", labels=("purpose",))
        for way in self._ways:
            up.add_metric((way.purpose,), not way.is_away)
            losses.add_metric((way.purpose,), way.losses)
        yield from (up, losses)
