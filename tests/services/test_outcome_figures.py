"""What Prometheus is shown of answers from beside the read store."""

from collections import Counter

from prometheus_client import CollectorRegistry, generate_latest

from sigdep.services.outcome_figures import SEARCHES, OutcomeFigures


def test_every_outcome_is_counted() -> None:
    outcomes = Counter({"narrowed": 3, "away": 0})
    registry = CollectorRegistry()
    registry.register(OutcomeFigures(SEARCHES, outcomes))
    outcomes["away"] += 1
    page = generate_latest(registry).decode()
    assert 'sigdep_search_questions_total{outcome="narrowed"} 3.0' in page
    assert 'sigdep_search_questions_total{outcome="away"} 1.0' in page
