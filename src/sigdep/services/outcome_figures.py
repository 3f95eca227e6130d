"""What became of questions that something beside the read store may answer, for Prometheus."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True)
class Family:
    name: str
    meaning: str


SEARCHES: Final = Family(
    "sigdep_search_questions",
    "Lists by words: narrowed by the index, or left to the read store since the words are common, or since the index "
    "is behind or away.",
)
HOT_LISTS: Final = Family(
    "sigdep_hot_list_questions",
    "Lists that Redis may hold: given, or left to the read store since it does not hold them, or not as far as was "
    "asked, or since it is away.",
)


class OutcomeFigures(Collector):
    """Looks when somebody asks: nothing is counted here."""

    def __init__(self, family: Family, outcomes: Mapping[Any, int]) -> None:
        """
        Args:
            outcomes: how often each came, so far, by its name.
        """
        self._family = family
        self._outcomes = outcomes

    def collect(self) -> Iterator[Metric]:
        asked = CounterMetricFamily(self._family.name, self._family.meaning, labels=("outcome",))
        for outcome, number in self._outcomes.items():
            asked.add_metric((outcome,), number)
        yield asked
