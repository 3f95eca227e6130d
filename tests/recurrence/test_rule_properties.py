"""Random rules: what the engine says is what the RFC says literally, whichever window one looks through."""

from datetime import datetime, timedelta
from itertools import islice

from dateutil.rrule import rrulestr
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sigdep.recurrence.budget import Budget
from sigdep.recurrence.expansion import Expansion
from sigdep.recurrence.format import format_rule
from sigdep.recurrence.rule import Rule, Skip
from tests.recurrence.definition import times_by_definition
from tests.recurrence.rules import FAR, rules

AMPLE = 10_000_000
"""Steps: these tests ask for more than people do."""


def times(rule: Rule, start: datetime, end: datetime, begin: datetime | None = None) -> list[datetime]:
    """From `begin` on and before the end."""
    return list(Expansion(rule, start).starts(begin, end - timedelta(seconds=1), Budget(AMPLE)))


slowly = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@given(rules())
@slowly
def test_a_rule_gives_what_its_definition_says(case: tuple[Rule, datetime]) -> None:
    rule, start = case
    end = start + FAR[rule.frequency]
    assert times(rule, start, end) == times_by_definition(rule, start, end), format_rule(rule)


@given(rules(), st.floats(0, 1), st.sampled_from(["OMIT", "BACKWARD", "FORWARD"]))
@slowly
def test_it_does_not_matter_where_the_window_begins(case: tuple[Rule, datetime], place: float, skip: Skip) -> None:
    rule, start = replace(case[0], rscale="GREGORIAN", skip=skip), case[1]
    end = start + FAR[rule.frequency]
    begin = start + timedelta(seconds=int(place * FAR[rule.frequency].total_seconds()))
    everything = times(rule, start, end)
    assert everything == sorted(set(everything))
    assert times(rule, start, end, begin) == [moment for moment in everything if moment >= begin], format_rule(rule)
    for moment in everything[:3]:
        assert times(rule, start, moment + timedelta(seconds=1), moment) == [moment]


@given(rules(), st.integers(1, 40), st.sampled_from(["OMIT", "BACKWARD", "FORWARD"]), st.integers(0, 39))
@slowly
def test_count_ends_after_so_many_and_until_after_the_last(
    case: tuple[Rule, datetime], count: int, skip: Skip, place: int
) -> None:
    rule, start = replace(case[0], rscale="GREGORIAN", skip=skip), case[1]
    everything = times(rule, start, start + FAR[rule.frequency])
    assume(len(everything) >= count)
    counted = replace(rule, count=count)
    found = list(Expansion(counted, start).starts(budget=Budget(AMPLE)))
    assert found == everything[:count], format_rule(counted)
    begin = everything[min(place, count - 1)]
    assert (
        list(Expansion(counted, start).starts(begin, budget=Budget(AMPLE))) == everything[min(place, count - 1) : count]
    )
    ended = replace(rule, until=everything[count - 1])
    assert list(Expansion(ended, start).starts(budget=Budget(AMPLE))) == found


@given(rules(), st.sampled_from(["BACKWARD", "FORWARD"]))
@slowly
def test_skip_adds_days_beside_those_that_are_there_anyway(case: tuple[Rule, datetime], skip: Skip) -> None:
    """Without BYSETPOS and BYDAY, which choose among what SKIP has added."""
    rule, start = replace(case[0], by_set_position=(), by_day=()), case[1]
    assume(not rule.by_week_number)
    end = start + FAR[rule.frequency]
    omitted = times(rule, start, end)
    skipped = times(replace(rule, rscale="GREGORIAN", skip=skip), start, end)
    edges = {(1, 1), (12, 31)} if rule.by_year_day else set()
    assert set(omitted) <= set(skipped), format_rule(rule)
    for added in set(skipped) - set(omitted):
        beside = added + timedelta(days=1) if skip == "BACKWARD" or added.day > 1 else added
        assert beside.day == 1 or (added.month, added.day) in edges, (format_rule(rule), added)


@given(rules())
@settings(slowly, max_examples=60)
def test_dateutil_agrees_where_it_is_right(case: tuple[Rule, datetime]) -> None:
    rule, start = case
    assume(not rule.by_week_number or (rule.by_day and rule.interval == 1 and not rule.by_set_position))
    assume(not (rule.frequency == "WEEKLY" and rule.by_set_position))
    assume(not (rule.frequency == "YEARLY" and rule.by_month_day and not rule.by_month))
    assume(len({one.number is None for one in rule.by_day}) < 2)  # It takes "3MO,SU" for both at once: for nothing.
    assume(60 not in rule.by_second)
    end = start + FAR[rule.frequency]
    ours = times(rule, start, end)[:200]
    # No more than that: where there is nothing left dateutil looks for it until the year 9999.
    theirs = rrulestr(format_rule(rule), dtstart=start) if ours else iter(())
    assert list(islice(theirs, len(ours))) == ours, format_rule(rule)
