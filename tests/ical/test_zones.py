"""Zones go by their names, by what is said of them, or by when their clocks change; and what we say of them is true."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import icalendar
import pytest
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from sigdep.ical.blocks import read_blocks
from sigdep.ical.refusals import UnreadableComponent
from sigdep.ical.windows_zones import WINDOWS_ZONES
from sigdep.ical.zone_lines import zone_lines
from sigdep.ical.zone_names import zone_called
from sigdep.ical.zones import Zones

SPREAD = sorted(available_timezones() - {"localtime"})[::7]
HARD = [
    *(
        "Europe/Berlin",
        "Europe/Dublin",
        "America/New_York",
        "Africa/Casablanca",
        "Australia/Lord_Howe",
        "Asia/Jerusalem",
    ),
    *(
        "America/Santiago",
        "Pacific/Apia",
        "Asia/Kolkata",
        "Asia/Tehran",
        "Antarctica/Troll",
        "Africa/Cairo",
        "Asia/Gaza",
    ),
]


def block(name: str, first: int, last: int, called: str = "Made Up") -> str:
    return "\r\n".join(zone_lines(name, first, last)).replace(f"TZID:{name}", f"TZID:{called}") + "\r\n"


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("first, last", [(2026, 2026), (1990, 2030)])
def test_a_zone_is_described_as_it_is(name: str, first: int, last: int) -> None:
    """Asked of another reader, every nine hours of the years, and of twenty years more."""
    component = icalendar.Timezone.from_ical(block(name, first, last))
    assert isinstance(component, icalendar.Timezone)
    described = component.to_tz(lookup_tzid=False)
    zone = ZoneInfo(name)
    instant, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last + 20, 1, 1, tzinfo=UTC)
    while instant < end:
        wall = instant.astimezone(zone).replace(tzinfo=None, fold=0)
        expected = wall.replace(tzinfo=zone)
        if expected.utcoffset() == expected.replace(fold=1).utcoffset():
            assert wall.replace(tzinfo=described).utcoffset() == expected.utcoffset(), wall
        instant += timedelta(hours=9) if last - first < 10 else timedelta(hours=45)


def test_a_zone_is_described_by_its_rules_where_it_has_some() -> None:
    described = block("Europe/Berlin", 1985, 2026)
    assert "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU" in described
    assert "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU" in described
    assert "RDATE" in described, "until 1995 summer ended in September"
    assert "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=FR;BYMONTHDAY=23,24,25,26,27,28,29" in block("Asia/Jerusalem", 2026, 2026)
    assert "RRULE" not in block("Asia/Kolkata", 2026, 2026)
    for year in range(2020, 2050):
        assert "RRULE" not in block("Africa/Casablanca", year, year), "Ramadan follows no rule of this calendar"


@pytest.mark.parametrize("name", sorted(set(SPREAD) | set(WINDOWS_ZONES.values())))
def test_every_zone_is_described_in_a_few_lines(name: str) -> None:
    assert 6 <= len(zone_lines(name, 1970, 2026)) < 600


@pytest.mark.parametrize("name", sorted(set(WINDOWS_ZONES.values()) - {"UTC"}))
def test_a_zone_without_a_name_is_told_by_its_clocks(name: str) -> None:
    (calendar,) = read_blocks(f"BEGIN:VCALENDAR\r\n{block(name, 2025, 2025)}END:VCALENDAR".encode())
    found = ZoneInfo(Zones(calendar.blocks).zone("Made Up", 2025))
    for day in range(365):
        instant = datetime(2025, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
        assert instant.astimezone(found).utcoffset() == instant.astimezone(ZoneInfo(name)).utcoffset()


def test_the_windows_names_are_those_of_unicode() -> None:
    assert WINDOWS_ZONES.keys() == WINDOWS_TO_OLSON.keys()
    for name, zone in WINDOWS_ZONES.items():
        ours, theirs = ZoneInfo(zone), ZoneInfo(WINDOWS_TO_OLSON[name])
        for month in range(1, 13):
            instant = datetime(2026, month, 15, tzinfo=UTC)
            assert instant.astimezone(ours).utcoffset() == instant.astimezone(theirs).utcoffset(), name


@pytest.mark.parametrize(
    "called, zone",
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ('"Europe/Berlin"', "Europe/Berlin"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("w. europe standard time", "Europe/Berlin"),
        ("/mozilla.org/20050126_1/Europe/Berlin", "Europe/Berlin"),
        ("/freeassociation.sourceforge.net/America/Argentina/Salta", "America/Argentina/Salta"),
        ("posix/Europe/Berlin", "Europe/Berlin"),
        ("Etc/UTC", "UTC"),
        ("UTC+01:00", "Etc/GMT-1"),
        ("GMT-5", "Etc/GMT+5"),
        ("(UTC)", "UTC"),
        ("UTC+99", None),
        ("localtime", None),
        ("right/UTC", None),
        ("../../etc/passwd", None),
        ("Europe/Berlin\x00", None),
        ("Europe", None),
        ("Nowhere/Land", None),
        ("", None),
        ("x" * 10_000, None),
    ],
)
def test_zones_by_many_names(called: str, zone: str | None) -> None:
    assert zone_called(called) == zone


def test_an_unknown_zone_is_refused_with_a_sentence() -> None:
    with pytest.raises(UnreadableComponent, match='There is no time zone "Nowhere/Land"'):
        Zones([]).zone("Nowhere/Land", 2026)
    (calendar,) = read_blocks(
        b"BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:Odd\r\nBEGIN:STANDARD\r\nDTSTART:20000101T000000\r\n"
        b"TZOFFSETFROM:+0123\r\nTZOFFSETTO:+0123\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR"
    )
    with pytest.raises(UnreadableComponent, match="no zone that we know changes its clocks"):
        Zones(calendar.blocks).zone("Odd", 2026)
