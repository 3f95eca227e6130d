"""Random series: what is told in a window is the part of all that happens in it, and two halves are the whole."""

from datetime import datetime, timedelta

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sigdep.recurrence.budget import Budget
from sigdep.recurrence.expansion import midnight
from sigdep.recurrence.occurrences import Span, next_after, occurrence, occurrences
from sigdep.recurrence.series import Series
from sigdep.recurrence.split import CannotSplit, split
from tests.recurrence.serieses import MONTHS, happenings, in_utc, key_of, originals, serieses, told

VIEWERS = ["UTC", "Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles", "Pacific/Apia"]
SETTLED = timedelta(days=80)
"""How much of the series is looked at: overrides may move occurrences over the end of what is known."""
AMPLE = 1_000_000
slowly = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def end_of(series: Series) -> datetime:
    return in_utc(midnight(series.start) + SETTLED)


def all_of(series: Series, viewer: str = "UTC") -> list[tuple[object, datetime, datetime]]:
    long_ago = in_utc(midnight(series.start) - MONTHS)
    return [*told(list(occurrences(series, Span(long_ago, end_of(series), viewer), Budget(AMPLE))))]


@given(serieses(), st.sampled_from(VIEWERS))
@slowly
def test_all_that_happens_is_told(series: Series, viewer: str) -> None:
    expected = [one for one in happenings(series, viewer) if one[1] < end_of(series)]
    found = all_of(series, viewer)
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    if series.zone is not None:
        assert [one[1] for one in found] == [one[1] for one in expected], "in order"


@given(serieses(), st.sampled_from(VIEWERS), st.integers(-5_000, 60_000), st.integers(1, 30_000))
@slowly
def test_a_window_shows_its_part_of_all(series: Series, viewer: str, after: int, minutes: int) -> None:
    begin = in_utc(midnight(series.start)) + timedelta(minutes=after)
    end = begin + timedelta(minutes=minutes)
    assume(end < end_of(series))
    shown = told(list(occurrences(series, Span(begin, end, viewer), Budget(AMPLE))))
    everything = all_of(series, viewer)
    assert shown == [one for one in everything if one[1] < end and (one[2] > begin or one[1] == one[2] >= begin)]


@given(serieses(), st.sampled_from(VIEWERS), st.integers(-5_000, 60_000))
@slowly
def test_the_next_is_the_first_of_those_after(series: Series, viewer: str, after: int) -> None:
    instant = in_utc(midnight(series.start)) + timedelta(minutes=after)
    later = [one for one in all_of(series, viewer) if one[1] > instant]
    following = next_after(series, instant, viewer, Budget(AMPLE))
    if later:
        assert following is not None
        assert (following.original, following.starts_at, following.ends_at) == later[0]
    else:
        assert following is None or following.starts_at >= end_of(series)


@given(serieses(), st.sampled_from(VIEWERS), st.integers(0, 30))
@slowly
def test_each_is_found_by_its_original_and_no_other(series: Series, viewer: str, place: int) -> None:
    everything = all_of(series, viewer)
    for one in everything[place : place + 3]:
        same = occurrence(series, one[0], viewer, Budget(AMPLE))  # type: ignore[arg-type]
        assert same is not None
        assert (same.original, same.starts_at, same.ends_at) == one
    keys = {key_of(series, original) for original, _, _ in everything}  # type: ignore[arg-type]
    for original, _ in originals(series)[place : place + 3]:
        near = original + timedelta(days=1)
        gone = key_of(series, near) not in keys and midnight(near) < midnight(series.start) + SETTLED / 2
        if gone and not any(one.start for one in series.overrides):
            assert occurrence(series, near, viewer, Budget(AMPLE)) is None


@given(serieses(), st.integers(1, 60), st.sampled_from(VIEWERS))
@slowly
def test_two_halves_are_the_whole(series: Series, place: int, viewer: str) -> None:
    everything = all_of(series, viewer)
    assume(everything)
    original = everything[place % len(everything)][0]
    try:
        before, after = split(series, original, Budget(AMPLE))  # type: ignore[arg-type]
    except CannotSplit:
        first = key_of(series, original) <= key_of(series, series.start)  # type: ignore[arg-type]
        assert first or any(rule.interval > 1 for rule in series.rules)
        return
    end = end_of(series)
    long_ago = in_utc(midnight(series.start) - MONTHS)
    halves = [told(list(occurrences(half, Span(long_ago, end, viewer), Budget(AMPLE)))) for half in (before, after)]
    assert sorted(halves[0] + halves[1], key=repr) == sorted(everything, key=repr)
    cut = key_of(series, original)  # type: ignore[arg-type]
    assert all(key_of(series, one[0]) < cut for one in halves[0])
    assert all(key_of(series, one[0]) >= cut for one in halves[1])
    assert original in [one[0] for one in halves[1]]
