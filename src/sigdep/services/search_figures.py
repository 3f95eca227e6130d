"""What became of questions that held words, where there is a search index, for Prometheus."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class SearchFigures(Collector):
    """Looks when somebody asks: nothing is counted here."""

    def __init__(self, outcomes: Mapping[Any, int]) -> None:
        """
        Args:
            outcomes: how often each came, so far, by its name.
        """
        self._outcomes = outcomes

    def collect(self) -> Iterator[Metric]:
        asked = CounterMetricFamily(
            "sigdep_search_questions",
            "Lists by words: narrowed by the index, or left to the read store since the words are common, or since the "
            "index is behind or away.",
            labels=("outcome",),
        )
        for outcome, number in self._outcomes.items():
            asked.add_metric((outcome,), number)
        yield asked
