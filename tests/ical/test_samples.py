"""What Google, Apple, Outlook and Thunderbird write is read, and written again as it was."""

from datetime import UTC, date, datetime

import icalendar
import pytest

from sigdep.ical.model import Attendee, Component, Kept
from sigdep.ical.reading import read
from sigdep.ical.series import series_of
from sigdep.ical.values import Moment
from sigdep.ical.writing import write
from sigdep.recurrence.duration import Duration
from sigdep.recurrence.occurrences import Span, occurrences
from tests.ical.samples import APPLE, GOOGLE, OUTLOOK, SAMPLES, THUNDERBIRD, octets


def mains(text: str) -> dict[str, Component]:
    reading = read(octets(text))
    assert reading.refused == ()
    return {entry.uid: entry.main for entry in reading.calendar.entries if entry.main is not None}


def starts(text: str, uid: str) -> list[str]:
    entry = next(one for one in read(octets(text)).calendar.entries if one.uid == uid)
    series = series_of(entry)
    assert series is not None
    span = Span(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC))
    return [f"{one.start:%m-%d %H:%M}" for one in occurrences(series, span)]


@pytest.mark.parametrize("name", SAMPLES)
def test_what_was_read_is_written_and_read_again(name: str) -> None:
    calendar = read(octets(SAMPLES[name])).calendar
    again = read(write(calendar))
    assert again.calendar == calendar
    assert not [*again.refused, *again.repaired, *again.passed_over]


@pytest.mark.parametrize("name", SAMPLES)
def test_another_reader_finds_the_same_lines(name: str) -> None:
    """Every property of every component but those that we write in another way."""

    def said(text: bytes) -> list[tuple[str, str, object]]:
        rewritten = {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "TRIGGER", "TRANSP"}
        found: list[tuple[str, str, object]] = []
        for event in icalendar.Calendar.from_ical(text).walk("VEVENT"):
            for name, value in event.property_items(recursive=True):
                if name not in rewritten | {"BEGIN", "END", "SEQUENCE"}:
                    found.append((str(event["UID"]), name, value.to_ical() if hasattr(value, "to_ical") else value))
        return sorted(found, key=repr)

    assert said(write(read(octets(SAMPLES[name])).calendar)) == said(octets(SAMPLES[name]))


def test_google() -> None:
    calendar = read(octets(GOOGLE)).calendar
    assert (calendar.name, calendar.zone, calendar.method) == ("Jane's calendar", "Europe/Berlin", "PUBLISH")
    series = mains(GOOGLE)["7kukuqrfedlm2f9t@google.com"]
    assert series.start == Moment(datetime(2026, 3, 2, 9), "Europe/Berlin")
    assert series.rules == ("FREQ=WEEKLY;UNTIL=20260601T215959Z;BYDAY=MO,WE;WKST=SU",), "UNTIL was a date"
    assert series.excluded == ("20260309T090000",)
    assert series.description.splitlines()[1] == "1. Überblick, Ziele; Rest"
    assert series.summary == "Stand-up 🚀"
    assert series.attendees[1] == Attendee(
        address="mailto:john@example.com",
        name="Doe, John",
        role="OPT-PARTICIPANT",
        answer="NEEDS-ACTION",
        kind="INDIVIDUAL",
        parameters=";RSVP=TRUE;X-NUM-GUESTS=0",
    )
    assert series.alarms[0].trigger == Duration(seconds=600)
    assert series.lines == ("CLASS:PRIVATE", "X-GOOGLE-CONFERENCE:https://meet.google.com/abc-defg-hij")
    shown = starts(GOOGLE, series.uid)
    assert shown[:4] == ["03-02 09:00", "03-04 09:00", "03-11 10:00", "03-16 09:00"]
    assert shown[-1] == "06-01 09:00", "the whole day of UNTIL"
    assert mains(GOOGLE)["0holiday@google.com"].transparent
    assert mains(GOOGLE)["1utc@google.com"].start == Moment(datetime(2026, 4, 4, 12), "UTC")


def test_apple() -> None:
    reading = read(octets(APPLE))
    assert reading.passed_over == (("VTODO", 1),)
    assert reading.calendar.color == "#1badf8"
    dinner = mains(APPLE)["5F1C2D6E-1111-4222-8333-944455556666"]
    assert dinner.location.splitlines()[1] == "10600 N Tantau Ave, Cupertino"
    assert dinner.url == "https://example.com/dinner"
    assert dinner.lines[0].startswith("X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-APPLE-MAPKIT-HANDLE=CAES;")
    assert dinner.alarms[0].lines[0] == "UID:A1B2C3D4-0000-4000-8000-000000000001"
    assert dinner.components == (Kept("VALARM", ("ACTION:NONE", "TRIGGER;VALUE=DATE-TIME:19760401T005545Z")),)
    assert mains(APPLE)["CANADA-1"].end == Moment(date(2026, 7, 3))


def test_outlook() -> None:
    meeting = mains(OUTLOOK)["040000008200E00074C5B7101A82E00800000000"]
    assert meeting.start == Moment(datetime(2026, 1, 12, 10), "Europe/Berlin"), "a name of Windows"
    assert meeting.parameters == (("SUMMARY", ";LANGUAGE=de"),)
    assert mains(OUTLOOK)["WEST-1"].start.zone == "America/Los_Angeles", "told by when its clocks change"
    days = mains(OUTLOOK)["DAYS-1"]
    assert (days.start, days.end) == (Moment(date(2026, 2, 20)), Moment(date(2026, 2, 22)))


def test_thunderbird() -> None:
    birthday = mains(THUNDERBIRD)["4d2c9bc0-0001-4c2e-9e5b-000000000001"]
    assert birthday.categories == ("Birthday", "Family, near")
    assert "X-MOZ-LASTACK:20260301T070500Z" in birthday.lines
    assert birthday.parameters == (("DESCRIPTION", ';ALTREP="data:text/html,%3Cb%3Ehoch%3C%2Fb%3E"'),)
    first, second = birthday.alarms
    assert (first.related, first.trigger) == ("END", Duration(days=1))
    assert (second.at, second.lines) == (datetime(2026, 3, 31, 8, tzinfo=UTC), ("X-MOZ-KEPT:yes",))
    course = mains(THUNDERBIRD)["4d2c9bc0-0001-4c2e-9e5b-000000000002"]
    assert course.start.zone == "Europe/Vienna"
    assert course.duration == Duration(seconds=5400)
    assert course.extra == ("20260304T180000/PT1H", "20260305T180000/PT2H")
    assert course.excluded == ("20260310T180000",), "it was in UTC"
    assert course.components == (Kept("X-KEPT", ("X-INSIDE:1",)),)
    shown = starts(THUNDERBIRD, course.uid)
    assert shown == [
        *("03-03 18:00", "03-04 18:00", "03-05 18:00", "03-17 18:00", "03-24 18:00", "03-31 18:00"),
        *("04-07 19:00", "04-14 19:00", "04-21 19:00", "04-28 19:00", "05-05 19:00"),
    ]
