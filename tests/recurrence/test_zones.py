"""Clocks that leap: walls and instants in five places, each with its own way of doing it."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigdep.recurrence.duration import Duration
from sigdep.recurrence.occurrences import Occurrence, Span, next_after, occurrence, occurrences
from sigdep.recurrence.parse import parse
from sigdep.recurrence.series import Series
from sigdep.recurrence.zones import (
    EARLIEST,
    LATEST,
    UnknownZone,
    earliest_wall,
    instants,
    is_left_out,
    latest_wall,
    to_instant,
    to_wall,
    zone_named,
)

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "UTC"]

# A zone, a time on its wall, the instant (RFC 5545 §3.3.5), and whether the clocks left the time out.
WALLS = [
    ("Europe/Berlin", "2024-03-31 01:59", "2024-03-31 00:59", False),
    ("Europe/Berlin", "2024-03-31 02:00", "2024-03-31 01:00", True),
    ("Europe/Berlin", "2024-03-31 02:30", "2024-03-31 01:30", True),
    ("Europe/Berlin", "2024-03-31 03:00", "2024-03-31 01:00", False),
    ("Europe/Berlin", "2024-10-27 02:30", "2024-10-27 00:30", False),
    ("Europe/Berlin", "2024-10-27 03:00", "2024-10-27 02:00", False),
    ("America/New_York", "2007-03-11 02:30", "2007-03-11 07:30", True),
    ("America/New_York", "2007-11-04 01:30", "2007-11-04 05:30", False),
    ("Australia/Lord_Howe", "2024-10-06 02:15", "2024-10-05 15:45", True),
    ("Australia/Lord_Howe", "2024-04-07 01:45", "2024-04-06 14:45", False),
    ("Pacific/Apia", "2011-12-29 23:59", "2011-12-30 09:59", False),
    ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30 22:00", True),
    ("Pacific/Apia", "2011-12-31 12:00", "2011-12-30 22:00", False),
    # Morocco puts its clocks back for Ramadan, and so forward again in the night when it ends.
    ("Africa/Casablanca", "2024-03-10 02:30", "2024-03-10 01:30", False),
    ("Africa/Casablanca", "2024-04-14 02:30", "2024-04-14 02:30", True),
]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def found(series: Series, begin: str, end: str, zone: str = "UTC") -> list[Occurrence]:
    span = Span(moment(begin).replace(tzinfo=UTC), moment(end).replace(tzinfo=UTC), zone)
    return list(occurrences(series, span))


@pytest.mark.parametrize("name, wall, instant, left_out", WALLS)
def test_a_wall_means_an_instant(name: str, wall: str, instant: str, left_out: bool) -> None:
    zone = zone_named(name)
    assert to_instant(moment(wall), zone) == moment(instant).replace(tzinfo=UTC)
    assert is_left_out(moment(wall), zone) is left_out


@pytest.mark.parametrize(
    "name", ["Europe/Atlantis", "", "../../etc/passwd", "Europe", "/etc/localtime", "x" * 5_000, "\0"]
)
def test_a_zone_that_nobody_knows_is_refused(name: str) -> None:
    with pytest.raises(UnknownZone, match="no time zone") as refusal:
        zone_named(name)
    assert len(refusal.value.detail) < 150


@pytest.mark.parametrize("name", ["America/New_York", "Pacific/Apia", "Asia/Kolkata"])
def test_the_ends_of_the_calendar_are_not_left(name: str) -> None:
    zone = zone_named(name)
    for instant in (EARLIEST, LATEST):
        assert earliest_wall(instant, zone) <= latest_wall(instant, zone)
    assert (
        EARLIEST <= to_instant(datetime.min, zone) <= to_instant(datetime.max, zone) <= datetime.max.replace(tzinfo=UTC)
    )
    last = Series(start=datetime(9999, 12, 29, 23), zone=name, rules=(parse("FREQ=DAILY"),))
    assert len(list(occurrences(last, Span(EARLIEST)))) in (2, 3)


around = st.sampled_from([wall for _, wall, _, _ in WALLS]).map(moment)
minutes = st.integers(-4_000, 4_000)


@given(st.sampled_from(ZONES), around, minutes)
@settings(max_examples=400, deadline=None)
def test_no_wall_outside_its_bounds_means_an_instant(name: str, near: datetime, away: int) -> None:
    zone = zone_named(name)
    instant = (near + timedelta(minutes=away)).replace(tzinfo=UTC)
    for number in range(1, 1_600, 7):
        assert to_instant(earliest_wall(instant, zone) - timedelta(minutes=number), zone) < instant
        assert to_instant(latest_wall(instant, zone) + timedelta(minutes=number), zone) > instant


@given(st.sampled_from(ZONES), around, st.integers(1, 120), st.integers(0, 600))
@settings(max_examples=200, deadline=None)
def test_instants_come_in_order_and_each_once(name: str, near: datetime, step: int, before: int) -> None:
    zone = zone_named(name)
    walls = [near - timedelta(minutes=before) + timedelta(minutes=step) * number for number in range(100)]
    told = list(instants(walls, zone))
    assert [instant for instant, _, _ in told] == sorted({to_instant(wall, zone) for wall in walls})
    assert all(to_instant(wall, zone) == instant for instant, _, wall in told)
    assert all(is_left_out(wall, zone) is left_out for _, left_out, wall in told)


@pytest.mark.parametrize("name", ZONES)
def test_what_happens_daily_keeps_its_time_on_the_wall(name: str) -> None:
    start = datetime(2011, 1, 1, 10)
    series = Series(start=start, zone=name, rules=(parse("FREQ=DAILY"),))
    days = list(islice(occurrences(series, Span(EARLIEST)), 730))
    assert {one.start.time() for one in days if isinstance(one.start, datetime)} == {start.time()}
    assert [one.starts_at for one in days] == sorted({one.starts_at for one in days})
    gaps = {later.starts_at - earlier.starts_at for earlier, later in pairwise(days)}
    assert gaps <= {timedelta(hours=hours) for hours in (23, 23.5, 24, 24.5, 25)}


def test_a_time_that_is_left_out_happens_as_much_later() -> None:
    series = Series(start=datetime(2024, 3, 30, 2, 30), zone="Europe/Berlin", rules=(parse("FREQ=DAILY"),))
    night = found(series, "2024-03-30 00:00", "2024-04-01 12:00")
    assert [one.start for one in night] == [
        moment("2024-03-30 02:30"),
        moment("2024-03-31 03:30"),
        moment("2024-04-01 02:30"),
    ]
    assert night[1].original == moment("2024-03-31 02:30")
    assert night[1].starts_at == datetime(2024, 3, 31, 1, 30, tzinfo=UTC)
    assert occurrence(series, moment("2024-03-31 02:30")) == night[1]
    assert occurrence(series, moment("2024-03-31 03:30")) == night[1], "the same instant by its other name"


def test_a_time_that_comes_twice_happens_the_first_time() -> None:
    series = Series(start=datetime(2024, 10, 26, 2, 30), zone="Europe/Berlin", rules=(parse("FREQ=DAILY"),))
    night = found(series, "2024-10-26 12:00", "2024-10-27 12:00")
    assert [one.starts_at for one in night] == [datetime(2024, 10, 27, 0, 30, tzinfo=UTC)]
    after = next_after(series, datetime(2024, 10, 27, 0, 30, tzinfo=UTC))
    assert after is not None
    assert after.original == moment("2024-10-28 02:30")


def test_every_hour_goes_by_the_wall() -> None:
    """So that in the night of the leap two are one, and between the first and the second two o'clock there is none."""
    series = Series(start=datetime(2024, 3, 31, 0), zone="Europe/Berlin", rules=(parse("FREQ=HOURLY"),))
    spring = found(series, "2024-03-30 23:00", "2024-03-31 03:00")
    assert [one.original for one in spring] == [moment(f"2024-03-31 0{hour}:00") for hour in (0, 1, 3, 4)]
    autumn = found(series, "2024-10-26 23:00", "2024-10-27 03:00")
    assert [one.starts_at.hour for one in autumn] == [23, 0, 2]


def test_what_falls_into_a_leap_is_told_in_the_order_of_the_world() -> None:
    rule = parse("FREQ=MINUTELY;INTERVAL=20;BYHOUR=1,2,3")
    series = Series(start=datetime(2024, 3, 31, 1, 50), zone="Europe/Berlin", rules=(rule,))
    night = found(series, "2024-03-31 00:00", "2024-03-31 02:00")
    assert [one.starts_at.strftime("%H:%M") for one in night] == ["00:50", "01:10", "01:30", "01:50"]
    assert [one.original for one in night] == [
        moment("2024-03-31 01:50"),
        *(moment(f"2024-03-31 03:{m}0") for m in (1, 3, 5)),
    ]


def test_the_day_that_apia_left_out_is_the_next() -> None:
    series = Series(
        start=datetime(2011, 12, 28, 10), zone="Pacific/Apia", rules=(parse("FREQ=DAILY;UNTIL=20120101T000000Z"),)
    )
    assert [one.original.day for one in occurrences(series, Span(EARLIEST))] == [28, 29, 31, 1]
    dates = Series(start=date(2011, 12, 29), rules=(parse("FREQ=DAILY;COUNT=4"),))
    told = list(occurrences(dates, Span(EARLIEST, zone="Pacific/Apia")))
    assert [one.start for one in told] == [date(2011, 12, day) for day in (29, 30, 31)] + [date(2012, 1, 1)]
    assert told[1].starts_at == told[1].ends_at == told[2].starts_at == datetime(2011, 12, 30, 10, tzinfo=UTC)


def test_until_is_an_instant() -> None:
    """Not a time on the wall: the second half past two of that night is an hour after the first."""
    rule = parse("FREQ=MINUTELY;INTERVAL=30;UNTIL=20241027T003000Z")
    series = Series(start=datetime(2024, 10, 27, 1, 30), zone="Europe/Berlin", rules=(rule,))
    assert [one.start for one in occurrences(series, Span(EARLIEST))][-1] == moment("2024-10-27 02:30")
    assert len(list(occurrences(series, Span(EARLIEST)))) == 3


@pytest.mark.parametrize(
    "duration, end, hours",
    [({"days": 1}, "2024-03-31 10:00", 23), ({"seconds": 86_400}, "2024-03-31 11:00", 24)],
)
def test_a_day_is_nominal_and_24_hours_are_exact(duration: dict[str, int], end: str, hours: int) -> None:
    series = Series(start=datetime(2024, 3, 30, 10), zone="Europe/Berlin", duration=Duration(**duration))
    (only,) = occurrences(series, Span(EARLIEST))
    assert only.end == moment(end)
    assert only.ends_at - only.starts_at == timedelta(hours=hours)
    assert to_wall(only.ends_at, ZoneInfo("Europe/Berlin")) == moment(end)
