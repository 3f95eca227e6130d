"""Series by hand: extra dates, excluded ones, overrides of one and of all that follows, and what lasts how long."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sigdep.kernel.errors import Invalid
from sigdep.recurrence.duration import (
    DURATION_DAYS_MAX,
    Duration,
    InvalidDuration,
    format_duration,
    parse_duration,
)
from sigdep.recurrence.occurrences import Occurrence, Span, next_after, occurrence, occurrences
from sigdep.recurrence.parse import parse
from sigdep.recurrence.rule import InvalidRule
from sigdep.recurrence.series import Extra, InvalidSeries, Override, Series, When
from sigdep.recurrence.zones import EARLIEST, UnknownZone

BERLIN = "Europe/Berlin"
HOUR = Duration(seconds=3600)
EVER = Span(EARLIEST)


def at(day: int, hour: int = 9, minute: int = 0) -> datetime:
    """A time of January 2024, when Berlin is an hour ahead of UTC."""
    return datetime(2024, 1, day, hour, minute)


def daily(count: int = 5, **parts: Any) -> Series:
    usual: dict[str, Any] = {"start": at(1), "zone": BERLIN, "duration": HOUR}
    return Series(**usual | {"rules": (parse(f"FREQ=DAILY;COUNT={count}"),)} | parts)


def starts(series: Series, span: Span = EVER) -> list[When]:
    return [one.start for one in occurrences(series, span)]


def test_an_occurrence_is_told_on_the_wall_and_in_utc() -> None:
    assert next(occurrences(daily(), EVER)) == Occurrence(
        original=at(1),
        start=at(1),
        end=at(1, 10),
        zone=BERLIN,
        starts_at=datetime(2024, 1, 1, 8, tzinfo=UTC),
        ends_at=datetime(2024, 1, 1, 9, tzinfo=UTC),
    )


def test_a_date_lasts_for_its_day_and_is_placed_by_who_looks() -> None:
    series = Series(start=date(2024, 2, 28), rules=(parse("FREQ=DAILY;COUNT=2"),))
    (first, second) = occurrences(series, Span(EARLIEST, zone="Asia/Tokyo"))
    assert (first.start, first.end, first.zone) == (date(2024, 2, 28), date(2024, 2, 29), None)
    assert first.starts_at == datetime(2024, 2, 27, 15, tzinfo=UTC)
    assert second.ends_at - first.starts_at == timedelta(days=2)


def test_a_floating_time_goes_with_who_looks() -> None:
    series = Series(start=at(1), duration=HOUR)
    (there,) = occurrences(series, Span(EARLIEST, zone="America/New_York"))
    assert (there.start, there.end, there.zone) == (at(1), at(1, 10), None)
    assert there.starts_at == datetime(2024, 1, 1, 14, tzinfo=UTC)


def test_the_start_is_the_first_occurrence_even_where_no_rule_names_it() -> None:
    series = daily(rules=(parse("FREQ=WEEKLY;BYDAY=TU;COUNT=3"),))
    assert starts(series) == [at(1), at(2), at(9)]


def test_extra_dates_come_in_their_place_once_and_may_last_longer() -> None:
    extra = (Extra(start=at(9), duration=Duration(days=1)), Extra(start=at(2)), Extra(start=at(1, 18)))
    series = daily(2, extra=extra)
    assert starts(series) == [at(1), at(1, 18), at(2), at(9)]
    assert [one.end for one in occurrences(series, EVER)] == [at(1, 10), at(1, 19), at(2, 10), at(10)]


def test_what_is_excluded_is_gone_and_still_counted() -> None:
    series = daily(3, excluded=(at(1), at(2), at(30)))
    assert starts(series) == [at(3)]
    assert occurrence(series, at(2)) is None


def test_two_rules_make_one_series() -> None:
    rules = (parse("FREQ=DAILY;INTERVAL=2;COUNT=3"), parse("FREQ=DAILY;INTERVAL=3;COUNT=3"))
    assert starts(daily(rules=rules)) == [at(1), at(3), at(4), at(5), at(7)]


# ── overrides ───────────────────────────────────────────────────────────────────────────────────────────


def test_one_is_moved_past_another_made_longer_and_one_cancelled() -> None:
    overrides = (
        Override(original=at(2), start=at(4, 15), duration=Duration(seconds=7200)),
        Override(original=at(3), cancelled=True),
    )
    series = daily(overrides=overrides)
    assert starts(series) == [at(1), at(4), at(4, 15), at(5)]
    moved = occurrence(series, at(2))
    assert moved is not None
    assert (moved.original, moved.start, moved.end, moved.override) == (at(2), at(4, 15), at(4, 17), at(2))
    assert occurrence(series, at(3)) is None
    assert next_after(series, datetime(2024, 1, 4, 8, tzinfo=UTC)) == moved


def test_a_moved_one_is_found_where_it_is_and_not_where_it_was() -> None:
    series = daily(overrides=(Override(original=at(2), start=datetime(2025, 6, 1, 9)),))
    second = Span(datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC))
    june = Span(datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 6, 2, tzinfo=UTC))
    assert starts(series, second) == []
    assert starts(series, june) == [datetime(2025, 6, 1, 9)]


def test_an_override_of_nothing_adds_and_one_of_what_is_excluded_brings_back() -> None:
    overrides = (Override(original=at(20), start=at(21)), Override(original=at(2)))
    assert starts(daily(3, excluded=(at(2),), overrides=overrides)) == [at(1), at(2), at(3), at(21)]


def test_an_override_may_lie_in_another_zone() -> None:
    series = daily(2, overrides=(Override(original=at(2), start=at(2), zone="Asia/Tokyo"),))
    assert starts(series) == [at(1), at(2)]
    tokyo = occurrence(series, at(2))
    assert tokyo is not None
    assert (tokyo.zone, tokyo.starts_at) == ("Asia/Tokyo", datetime(2024, 1, 2, 0, tzinfo=UTC))


def test_an_override_may_make_a_whole_day_of_it() -> None:
    series = daily(2, overrides=(Override(original=at(2), start=date(2024, 1, 2)),))
    day = occurrence(series, at(2))
    assert day is not None
    assert (day.start, day.end, day.zone) == (date(2024, 1, 2), date(2024, 1, 3), None)
    assert day.starts_at == datetime(2024, 1, 1, 23, tzinfo=UTC)


def test_all_that_follows_goes_along_until_another_says_otherwise() -> None:
    overrides = (
        Override(original=at(2), start=at(2, 11, 30), duration=Duration(seconds=1800), following=True),
        Override(original=at(3), start=at(3, 20)),
        Override(original=at(5), start=at(4, 9), following=True),
    )
    series = daily(6, overrides=overrides)
    assert starts(series) == [at(1), at(2, 11, 30), at(3, 20), at(4, 9), at(4, 11, 30), at(5)]
    assert [one.override for one in occurrences(series, EVER)] == [None, at(2), at(3), at(5), at(2), at(5)]
    assert {one.original: one.end for one in occurrences(series, EVER)}[at(4)] == at(4, 12)


def test_all_that_follows_is_cancelled_but_for_what_is_its_own() -> None:
    overrides = (Override(original=at(3), cancelled=True, following=True), Override(original=at(4), start=at(9)))
    assert starts(daily(overrides=overrides)) == [at(1), at(2), at(9)]
    assert occurrence(daily(overrides=overrides), at(5)) is None


def test_what_was_moved_into_a_leap_is_told_in_the_order_of_the_world() -> None:
    """Moved by half an hour to 02:30, 02:45 and 03:10 of a night that has no half past two."""
    rule = parse("FREQ=DAILY;BYHOUR=3;BYMINUTE=0,15,40;COUNT=9")
    override = Override(original=datetime(2024, 3, 30, 3), start=datetime(2024, 3, 30, 2, 30), following=True)
    series = Series(start=datetime(2024, 3, 30, 3), zone=BERLIN, rules=(rule,), overrides=(override,))
    night = Span(datetime(2024, 3, 31, tzinfo=UTC), datetime(2024, 3, 31, 12, tzinfo=UTC))
    found = list(occurrences(series, night))
    assert [one.original.minute for one in found if isinstance(one.original, datetime)] == [40, 0, 15]
    assert [one.starts_at.minute for one in found] == [10, 30, 45]


# ── windows ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_window_shows_what_is_on_in_it() -> None:
    series = daily()
    eight = datetime(2024, 1, 2, 8, tzinfo=UTC)
    for begin, end, shown in [
        (eight - timedelta(hours=1), eight, []),
        (eight - timedelta(hours=1), eight + timedelta(seconds=1), [at(2)]),
        (eight + timedelta(minutes=59), eight + timedelta(hours=2), [at(2)]),
        (eight + timedelta(hours=1), eight + timedelta(hours=2), []),
        (eight, eight + timedelta(days=1), [at(2)]),
        (eight + timedelta(minutes=30), eight + timedelta(days=1, seconds=1), [at(2), at(3)]),
    ]:
        assert starts(series, Span(begin, end)) == shown, (begin, end)


def test_what_does_not_last_is_on_when_it_starts() -> None:
    series = daily(duration=None)
    eight = datetime(2024, 1, 2, 8, tzinfo=UTC)
    assert starts(series, Span(eight, eight + timedelta(hours=1))) == [at(2)]
    assert starts(series, Span(eight - timedelta(hours=1), eight)) == []


def test_the_longest_decides_how_far_back_one_has_to_look() -> None:
    series = daily(3, overrides=(Override(original=at(1), duration=Duration(days=40)),))
    late = Span(datetime(2024, 2, 9, tzinfo=UTC), datetime(2024, 2, 10, tzinfo=UTC))
    assert starts(series, late) == [at(1)]


def test_a_span_lies_between_instants() -> None:
    with pytest.raises(Invalid, match="between instants"):
        Span(at(1))


def test_there_is_no_next_after_the_last() -> None:
    assert next_after(daily(), datetime(2024, 1, 5, 8, tzinfo=UTC)) is None
    assert occurrence(daily(), at(6)) is None
    assert occurrence(daily(), at(5, 10)) is None


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "part, parts",
    [
        ("DTSTART", {"start": date(2024, 1, 1)}),
        ("DTSTART", {"start": at(1).replace(tzinfo=UTC)}),
        ("DTSTART", {"start": at(1).replace(microsecond=1)}),
        ("UNTIL", {"rules": (parse("FREQ=DAILY;UNTIL=20240105T090000"),)}),
        ("UNTIL", {"rules": (parse("FREQ=DAILY;UNTIL=20240105"),)}),
        ("DURATION", {"start": date(2024, 1, 1), "zone": None}),
        ("RDATE", {"extra": (Extra(start=date(2024, 1, 1)),)}),
        ("EXDATE", {"excluded": (date(2024, 1, 1),)}),
        ("EXDATE", {"excluded": (at(1).replace(tzinfo=UTC),)}),
        ("RECURRENCE-ID", {"overrides": (Override(original=date(2024, 1, 1)),)}),
        ("RECURRENCE-ID", {"overrides": (Override(original=at(1)), Override(original=at(1), start=at(2)))}),
        ("RECURRENCE-ID", {"overrides": (Override(original=at(1), zone="Asia/Tokyo"),)}),
        ("RANGE", {"overrides": (Override(original=at(1), start=date(2024, 1, 1), following=True),)}),
    ],
)
def test_a_series_that_makes_no_sense_is_refused(part: str, parts: dict[str, Any]) -> None:
    with pytest.raises(InvalidSeries) as refusal:
        daily(**parts)
    assert refusal.value.part == part
    assert refusal.value.faults[0].pointer == part


def test_a_rule_that_does_not_go_with_the_start_is_refused() -> None:
    with pytest.raises(InvalidRule, match="FREQ"):
        Series(start=date(2024, 1, 1), rules=(parse("FREQ=HOURLY"),))
    with pytest.raises(UnknownZone):
        daily(zone="Europe/Atlantis")
    with pytest.raises(UnknownZone):
        daily(overrides=(Override(original=at(1), start=at(2), zone="Mars"),))


# ── durations ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text, days, seconds, written",
    [
        ("P1D", 1, 0, "P1D"),
        ("PT24H", 0, 86_400, "PT24H"),
        ("P2W", 14, 0, "P14D"),
        ("+P1DT2H30M5S", 1, 9_005, "P1DT2H30M5S"),
        ("PT90M", 0, 5_400, "PT1H30M"),
        ("PT0S", 0, 0, "PT0S"),
        ("P0D", 0, 0, "PT0S"),
    ],
)
def test_a_duration_is_read_and_written(text: str, days: int, seconds: int, written: str) -> None:
    duration = parse_duration(text)
    assert duration == Duration(days=days, seconds=seconds)
    assert format_duration(duration) == written
    assert parse_duration(written) == duration


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1DT", "1D", "-P1D", "P1Y", "P1M", "P1H", "PT1D", "P1W2D", "P1.5D", "P99999D"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidDuration):
        parse_duration(text)


def test_durations_are_bounded() -> None:
    assert Duration(days=DURATION_DAYS_MAX).days == DURATION_DAYS_MAX
    for parts in ({"days": DURATION_DAYS_MAX, "seconds": 1}, {"days": -1}, {"seconds": -1}):
        with pytest.raises(InvalidDuration):
            Duration(**parts)
