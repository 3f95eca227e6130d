"""Rules meant to keep a server busy: each is answered or refused after a bounded number of steps.

Steps are counted and not seconds, as these tests run on busy machines; the slowest of the steps decides how many there
may be. `benchmarks/recurrence.py` measures the seconds.
"""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from types import FrameType
from typing import Any

import pytest

from sigdep.kernel.errors import Invalid
from sigdep.recurrence.budget import STEPS_MAX, Budget, RuleTooCostly
from sigdep.recurrence.expansion import Expansion
from sigdep.recurrence.occurrences import Span, next_after, occurrence, occurrences
from sigdep.recurrence.parse import parse
from sigdep.recurrence.series import (
    EXCLUDED_MAX,
    EXTRA_MAX,
    OVERRIDES_MAX,
    RANGES_MAX,
    RULES_MAX,
    Extra,
    InvalidSeries,
    Override,
    Series,
)

START = datetime(2024, 1, 1, 9)
ALL_SECONDS = ",".join(map(str, range(60)))
ALL_HOURS = ",".join(map(str, range(24)))
ALL_DAYS = ",".join(map(str, [*range(1, 367), *range(-366, 0)]))
EVERY_SECOND = f"BYHOUR={ALL_HOURS};BYMINUTE={ALL_SECONDS};BYSECOND={ALL_SECONDS}"

NEVER = [
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30,31;BYDAY=MO,TU",
    "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
    "FREQ=HOURLY;BYMONTH=4;BYMONTHDAY=31",
    "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=1",
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=SECONDLY;BYYEARDAY=366;BYMONTH=1",
    "FREQ=YEARLY;BYDAY=53MO;BYMONTH=1",
    "FREQ=YEARLY;BYWEEKNO=30;BYMONTH=1;BYDAY=MO",
    "FREQ=YEARLY;BYMONTHDAY=1;BYSETPOS=2",
    "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=SECONDLY;BYSETPOS=2;BYHOUR=1",
    f"FREQ=MINUTELY;{EVERY_SECOND};BYSETPOS=61",
]
"""They never happen, which is found out."""
TOO_RARE = [
    "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
    "FREQ=HOURLY;INTERVAL=24;BYHOUR=10",
    "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=10",
    "FREQ=SECONDLY;INTERVAL=86400;BYHOUR=10",
    "FREQ=SECONDLY;INTERVAL=60;BYSECOND=30",
    "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=8",
    "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
    "FREQ=MONTHLY;BYDAY=6MO",
]
"""They never happen, or nearly so; to find that out would take too long."""
BUSY = [
    "FREQ=SECONDLY",
    f"FREQ=SECONDLY;{EVERY_SECOND}",
    f"FREQ=MINUTELY;{EVERY_SECOND}",
    f"FREQ=HOURLY;{EVERY_SECOND}",
    f"FREQ=DAILY;{EVERY_SECOND}",
    f"FREQ=YEARLY;BYYEARDAY={ALL_DAYS};{EVERY_SECOND}",
    f"FREQ=YEARLY;BYYEARDAY={ALL_DAYS};{EVERY_SECOND};BYSETPOS={ALL_DAYS}",
    f"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;{EVERY_SECOND};BYSETPOS=-1",
]
"""They happen all the time."""


@pytest.mark.parametrize("rule", NEVER)
def test_that_nothing_ever_happens_is_found_out(rule: str) -> None:
    budget = Budget()
    assert list(Expansion(parse(rule), START).starts(budget=budget)) == []
    assert budget.left > 0


@pytest.mark.parametrize("rule", TOO_RARE)
def test_a_search_without_end_is_refused(rule: str) -> None:
    with pytest.raises(RuleTooCostly) as refusal:
        next(Expansion(parse(rule), START).starts(), None)
    assert isinstance(refusal.value, Invalid)
    assert f"{STEPS_MAX:,} steps" in refusal.value.detail


@pytest.mark.parametrize("rule", TOO_RARE + NEVER)
def test_in_a_window_even_that_has_an_answer(rule: str) -> None:
    series = Series(start=START, zone="Europe/Berlin", rules=(parse(rule),))
    month = Span(datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 2, tzinfo=UTC))
    assert list(occurrences(series, month)) == []


@pytest.mark.parametrize("rule", BUSY)
def test_what_comes_next_is_known_at_once_however_far_away(rule: str) -> None:
    far = datetime(2999, 12, 31, 23, 59, 59)
    budget = Budget()
    found = list(islice(Expansion(parse(rule), START).starts(far, budget=budget), 3))
    assert found[0] >= far
    assert STEPS_MAX - budget.left < 2_000


@pytest.mark.parametrize("rule", BUSY[:-1])
def test_to_ask_for_all_of_it_is_refused(rule: str) -> None:
    found = Expansion(parse(rule), START).starts()
    seen: list[datetime] = []
    with pytest.raises(RuleTooCostly):
        seen.extend(found)
    assert len(seen) <= STEPS_MAX


@pytest.mark.parametrize("rule", [*BUSY, *TOO_RARE])
def test_a_large_count_is_answered_or_refused(rule: str) -> None:
    expansion = Expansion(parse(f"{rule};COUNT=1000000"), START)
    with pytest.raises(RuleTooCostly):
        list(expansion.starts())


def test_a_plain_rule_is_counted_without_counting() -> None:
    budget = Budget(5)
    expansion = Expansion(parse("FREQ=SECONDLY;INTERVAL=3;COUNT=1000000"), START)
    last = START + timedelta(seconds=3 * 999_999)
    assert list(expansion.starts(last - timedelta(seconds=2), budget=budget)) == [last]


# ── what one step may cost ──────────────────────────────────────────────────────────────────────────────

CALLS_FOR_EACH_STEP_MAX = 60
CALLS_BEFORE_MAX = 60_000
"""Of Python functions, for what is prepared, whatever the question: the kinds of years, the times of a day."""


def calls_of(question: Callable[[], Any]) -> int:
    """How many functions of Python a question calls and resumes."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        question()
    except RuleTooCostly:
        pass
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("rule", [*NEVER, *TOO_RARE, *BUSY])
def test_a_step_is_a_little_work(rule: str) -> None:
    budget = Budget()
    calls = calls_of(lambda: list(Expansion(parse(rule), START).starts(budget=budget)))
    assert calls <= CALLS_BEFORE_MAX + CALLS_FOR_EACH_STEP_MAX * (STEPS_MAX - budget.left)


# ── series ──────────────────────────────────────────────────────────────────────────────────────────────

DAYS = [START + timedelta(days=number) for number in range(max(EXCLUDED_MAX, EXTRA_MAX, OVERRIDES_MAX) + 1)]
FULLEST = Series(
    start=START,
    zone="Europe/Berlin",
    rules=(parse("FREQ=DAILY"),) * RULES_MAX,
    extra=tuple(Extra(start=day + timedelta(hours=1)) for day in DAYS[:EXTRA_MAX]),
    excluded=tuple(DAYS[:EXCLUDED_MAX]),
    overrides=tuple(
        Override(original=day + timedelta(hours=1), start=day + timedelta(hours=2), following=number < RANGES_MAX)
        for number, day in enumerate(DAYS[:OVERRIDES_MAX])
    ),
)


def test_the_fullest_series_is_answered() -> None:
    budget = Budget()
    week = Span(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 8, tzinfo=UTC))
    assert len(list(occurrences(FULLEST, week, budget))) == 7
    assert budget.left > 0
    assert next_after(FULLEST, datetime(2040, 1, 1, tzinfo=UTC)) is not None
    assert occurrence(FULLEST, DAYS[0]) is None


@pytest.mark.parametrize(
    "part, more",
    [
        ("RRULE", {"rules": (parse("FREQ=DAILY"),) * (RULES_MAX + 1)}),
        ("RDATE", {"extra": tuple(Extra(start=day) for day in DAYS[: EXTRA_MAX + 1])}),
        ("EXDATE", {"excluded": tuple(DAYS[: EXCLUDED_MAX + 1])}),
        ("RECURRENCE-ID", {"overrides": tuple(Override(original=day) for day in DAYS[: OVERRIDES_MAX + 1])}),
        ("RANGE", {"overrides": tuple(Override(original=day, following=True) for day in DAYS[: RANGES_MAX + 1])}),
    ],
)
def test_a_fuller_series_is_refused(part: str, more: dict[str, Any]) -> None:
    with pytest.raises(InvalidSeries, match="at most") as refusal:
        Series(start=START, **more)
    assert refusal.value.part == part


def test_dates_are_bounded_too() -> None:
    series = Series(start=date(1, 1, 1), rules=(parse("FREQ=DAILY"),))
    with pytest.raises(RuleTooCostly):
        list(occurrences(series, Span(datetime(1, 1, 1, tzinfo=UTC))))
    assert next_after(series, datetime(9999, 1, 1, tzinfo=UTC)) is not None
