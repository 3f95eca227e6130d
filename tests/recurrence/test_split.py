"""Cutting a series in two by hand, as one looks at it. test_series_properties.py does it at random."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sigdep.recurrence.format import format_rule
from sigdep.recurrence.occurrences import Span, occurrences
from sigdep.recurrence.parse import parse
from sigdep.recurrence.series import Extra, Override, Series, When
from sigdep.recurrence.split import CannotSplit, NoSuchOccurrence, split
from sigdep.recurrence.zones import EARLIEST

BERLIN = "Europe/Berlin"


def series_of(*rules: str, start: When = datetime(2024, 1, 31, 9), zone: str | None = BERLIN, **parts: Any) -> Series:
    return Series(start=start, zone=zone, rules=tuple(map(parse, rules)), **parts)


def written(series: Series) -> list[str]:
    return [format_rule(rule) for rule in series.rules]


def told(series: Series) -> list[tuple[When, datetime]]:
    span = Span(EARLIEST, datetime(2027, 1, 1, tzinfo=UTC))
    return [(one.original, one.starts_at) for one in occurrences(series, span)]


def halves(series: Series, original: When) -> tuple[Series, Series]:
    before, after = split(series, original)
    assert sorted(told(before) + told(after), key=repr) == sorted(told(series), key=repr)
    assert told(after)
    return before, after


def test_a_series_for_ever_ends_a_second_before_its_successor_begins() -> None:
    before, after = halves(series_of("FREQ=WEEKLY"), datetime(2024, 2, 14, 9))
    assert written(before) == ["FREQ=WEEKLY;UNTIL=20240214T075959Z"]
    assert written(after) == ["FREQ=WEEKLY"]
    assert after.start == datetime(2024, 2, 14, 9)


def test_dates_end_the_day_before_and_floating_times_without_a_zone() -> None:
    before, _ = halves(series_of("FREQ=WEEKLY", start=date(2024, 1, 31), zone=None), date(2024, 2, 14))
    assert written(before) == ["FREQ=WEEKLY;UNTIL=20240213"]
    before, _ = halves(series_of("FREQ=WEEKLY", zone=None), datetime(2024, 2, 14, 9))
    assert written(before) == ["FREQ=WEEKLY;UNTIL=20240214T085959"]


def test_count_is_shared_out() -> None:
    _, after = halves(series_of("FREQ=WEEKLY;COUNT=10"), datetime(2024, 2, 14, 9))
    assert written(after) == ["FREQ=WEEKLY;COUNT=8"]


def test_the_start_of_the_second_counts_for_each_of_its_rules() -> None:
    """Whether the rule names it or not (RFC 5545): the Thursdays are one fewer than their COUNT says."""
    series = series_of("FREQ=WEEKLY;BYDAY=WE;COUNT=9", "FREQ=WEEKLY;BYDAY=TH;COUNT=9")
    _, after = halves(series, datetime(2024, 2, 14, 9))
    assert written(after) == ["FREQ=WEEKLY;COUNT=7;BYDAY=WE", "FREQ=WEEKLY;COUNT=7;BYDAY=TH"]
    _, after = halves(series, datetime(2024, 2, 15, 9))
    assert written(after) == ["FREQ=WEEKLY;COUNT=7;BYDAY=WE", "FREQ=WEEKLY;COUNT=6;BYDAY=TH"]


def test_a_rule_says_aloud_what_its_new_start_would_not() -> None:
    monthly = series_of("FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=BACKWARD")
    _, after = halves(monthly, datetime(2024, 2, 29, 9))
    assert written(after) == ["FREQ=MONTHLY;BYMONTHDAY=31;RSCALE=GREGORIAN;SKIP=BACKWARD"]
    _, after = halves(series_of("FREQ=MONTHLY", "FREQ=WEEKLY;BYHOUR=7"), datetime(2024, 2, 28, 7))
    assert written(after) == ["FREQ=MONTHLY;BYMONTHDAY=31;BYHOUR=9", "FREQ=WEEKLY;BYHOUR=7"]


def test_a_rule_that_is_over_stays_with_the_first() -> None:
    before, after = halves(series_of("FREQ=DAILY;COUNT=3", "FREQ=WEEKLY"), datetime(2024, 2, 14, 9))
    assert written(before) == ["FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;UNTIL=20240214T075959Z"]
    assert written(after) == ["FREQ=WEEKLY"]


def test_what_belongs_to_single_occurrences_goes_with_them() -> None:
    early, late = datetime(2024, 2, 7, 9), datetime(2024, 2, 21, 9)
    hour = timedelta(hours=1)
    ranged = Override(original=datetime(2024, 1, 31, 9), start=datetime(2024, 1, 31, 11), following=True)
    series = series_of(
        "FREQ=WEEKLY",
        extra=(Extra(start=early + hour), Extra(start=late + hour)),
        excluded=(early, late),
        overrides=(ranged, Override(original=early + hour, cancelled=True), Override(original=late + 7 * 24 * hour)),
    )
    before, after = halves(series, datetime(2024, 2, 14, 9))
    assert (before.extra, after.extra) == (series.extra[:1], series.extra[1:])
    assert (before.excluded, after.excluded) == ((early,), (late,))
    assert before.overrides == series.overrides[:2]
    assert after.overrides == (ranged, series.overrides[2]), "the range reaches over the cut"


def test_only_extra_dates_are_left() -> None:
    extra = (Extra(start=datetime(2024, 3, 1, 9)), Extra(start=datetime(2024, 4, 1, 9)))
    _, after = halves(series_of("FREQ=DAILY;COUNT=3", extra=extra), datetime(2024, 3, 1, 9))
    assert (after.start, after.rules) == (datetime(2024, 3, 1, 9), ())


@pytest.mark.parametrize("place", range(1, 15))
def test_a_cut_in_the_night_of_the_leap(place: int) -> None:
    """There a later time on the wall may be an earlier instant: 02:30 is 03:30, and 03:00 comes before it."""
    often, seldom = "FREQ=HOURLY;BYMINUTE=10,30,50;COUNT=12", "FREQ=HOURLY;BYMINUTE=0,5;COUNT=9"
    series = series_of(often, seldom, start=datetime(2024, 3, 31, 0, 50))
    halves(series, told(series)[place][0])


def test_rules_that_no_common_start_keeps_in_step_are_not_cut() -> None:
    series = series_of("FREQ=DAILY;INTERVAL=2", "FREQ=DAILY;INTERVAL=3")
    with pytest.raises(CannotSplit, match="common start"):
        split(series, datetime(2024, 2, 2, 9))
    halves(series, datetime(2024, 2, 6, 9))


def test_there_is_nothing_before_the_first() -> None:
    with pytest.raises(CannotSplit, match="Nothing comes before"):
        split(series_of("FREQ=DAILY"), datetime(2024, 1, 31, 9))


@pytest.mark.parametrize("original", [datetime(2024, 2, 1, 10), datetime(2024, 2, 2, 9), datetime(2023, 1, 1, 9)])
def test_a_cut_is_made_at_an_occurrence(original: datetime) -> None:
    with pytest.raises(NoSuchOccurrence):
        split(series_of("FREQ=DAILY", excluded=(datetime(2024, 2, 2, 9),)), original)
