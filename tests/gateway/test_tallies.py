"""What is counted as plain numbers is shown as Prometheus knows it."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from sigdep.gateway.figures import BUCKETS_SECONDS
from sigdep.gateway.tallies import Counts, Durations

OBSERVED = (0.0, 0.001, 0.0011, 0.3, 30.0, 31.0)


def test_they_are_shown_as_the_library_shows_its_own() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = Counts("asks", "Asked.", ("what", "how"), registry=ours)
    durations = Durations("ask_seconds", "Taken.", ("what",), registry=ours)
    counter = Counter("asks", "Asked.", ("what", "how"), registry=theirs)
    histogram = Histogram("ask_seconds", "Taken.", ("what",), buckets=BUCKETS_SECONDS, registry=theirs)
    for what in ("this", "that"):
        counts.labels(what, "well").inc()
        counts.labels(what, "well").inc(3)
        counter.labels(what, "well").inc(4)
        for seconds in OBSERVED:
            durations.labels(what).observe(seconds)
            histogram.labels(what).observe(seconds)
    assert _lines(ours) == _lines(theirs)


def _lines(registry: CollectorRegistry) -> list[str]:
    """But for when counting began, which nobody asks for."""
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]
