"""What well-known programs write beside the standard is understood, and what cannot be is refused with a sentence."""

from datetime import UTC, date, datetime

import pytest

from sigdep.ical.model import Component, Reading
from sigdep.ical.reading import read
from sigdep.ical.values import Moment
from sigdep.ical.writing import write
from sigdep.recurrence.duration import Duration
from tests.ical.samples import calendar, octets

DAY = "UID:1\nDTSTART;VALUE=DATE:20260101\n"
BERLIN = "UID:1\nDTSTART;TZID=Europe/Berlin:20260105T090000\n"


def only(component: str, before: str = "") -> Component:
    reading = read(calendar(component, before=before))
    assert reading.refused == ()
    (entry,) = reading.calendar.entries
    assert entry.main is not None
    return entry.main


def refusal(*components: str) -> str:
    reading = read(calendar(*components))
    assert reading.calendar.entries == ()
    return reading.refused[0].reason


def repairs(reading: Reading) -> list[str]:
    return [one.detail for one in reading.repaired]


@pytest.mark.parametrize(
    "start, until, expected",
    [
        (";TZID=Europe/Berlin:20260105T090000", "20260201", "20260201T225959Z"),
        (";TZID=Europe/Berlin:20260105T090000", "20260201T090000", "20260201T080000Z"),
        (";TZID=Europe/Berlin:20260105T090000", "20260201T080000Z", "20260201T080000Z"),
        (":20260105T090000Z", "20260201", "20260201T235959Z"),
        (":20260105T090000", "20260201T080000Z", "20260201T080000"),
        (":20260105T090000", "20260201", "20260201T235959"),
        (";VALUE=DATE:20260105", "20260201T000000Z", "20260201"),
        (";VALUE=DATE:20260105", "20260201T225959", "20260201"),
    ],
)
def test_until_is_read_as_the_start_demands_it(start: str, until: str, expected: str) -> None:
    assert only(f"UID:1\nDTSTART{start}\nRRULE:FREQ=DAILY;UNTIL={until}").rules == (f"FREQ=DAILY;UNTIL={expected}",)


@pytest.mark.parametrize(
    "start, line, expected",
    [
        (";TZID=Europe/Berlin:20260105T090000", "EXDATE:20260106T080000Z", ("20260106T090000",)),
        (";TZID=Europe/Berlin:20260105T090000", "EXDATE;VALUE=DATE:20260106", ("20260106T090000",)),
        (";TZID=Europe/Berlin:20260105T090000", "EXDATE:20260106T090000", ("20260106T090000",)),
        (
            ";TZID=Europe/Berlin:20260105T090000",
            "EXDATE;TZID=America/New_York:20260106T030000,20260107T030000",
            ("20260106T090000", "20260107T090000"),
        ),
        (";VALUE=DATE:20260105", "EXDATE:20260106T000000Z", ("20260106",)),
        (":20260105", "EXDATE:20260106,,", ("20260106",)),
    ],
)
def test_exdate_is_read_as_the_start_demands_it(start: str, line: str, expected: tuple[str, ...]) -> None:
    assert only(f"UID:1\nDTSTART{start}\nRRULE:FREQ=DAILY\n{line}").excluded == expected


def test_rules_may_hold_spaces_small_letters_and_a_last_semicolon() -> None:
    assert only(f"{BERLIN}RRULE:freq=weekly; byday=MO, WE;\nRRULE:").rules == ("FREQ=WEEKLY;BYDAY=MO,WE",)


def test_ends_that_make_no_sense_are_left_out_or_understood() -> None:
    assert only(f"{DAY}DTEND;VALUE=DATE:20260101").end is None
    assert only(f"{DAY}DTEND:20260103T000000").end == Moment(date(2026, 1, 3))
    assert only(f"{BERLIN}DTEND;VALUE=DATE:20260106").end == Moment(datetime(2026, 1, 6), "Europe/Berlin")
    assert only(f"{BERLIN}DTEND:20260105T100000").end == Moment(datetime(2026, 1, 5, 10), "Europe/Berlin")
    reading = read(calendar(f"{BERLIN}DTEND;TZID=Europe/Berlin:20260104T100000\nDURATION:PT5M"))
    assert reading.calendar.entries[0].main is not None
    assert reading.calendar.entries[0].main.duration == Duration(seconds=300)
    assert repairs(reading) == ["DTEND was left out: it is before DTSTART."]


@pytest.mark.parametrize("text", ["-PT5M", "PT", "P1W2D", "P99999D", "nonsense", "PT1H" * 1_000])
def test_a_duration_that_makes_no_sense_is_left_out_and_told(text: str) -> None:
    reading = read(calendar(f"{BERLIN}DURATION:{text}"))
    assert reading.calendar.entries[0].main is not None
    assert reading.calendar.entries[0].main.duration is None
    assert "DURATION" in repairs(reading)[0]


def test_both_an_end_and_a_duration() -> None:
    both = only(f"{BERLIN}DTEND;TZID=Europe/Berlin:20260105T100000\nDURATION:PT5M")
    assert (both.end, both.duration) == (Moment(datetime(2026, 1, 5, 10), "Europe/Berlin"), None)


def test_exact_and_nominal_durations_stay_apart() -> None:
    assert only(f"{BERLIN}DURATION:P1D").duration == Duration(days=1)
    assert only(f"{BERLIN}DURATION:PT24H").duration == Duration(seconds=86_400)


def test_times_in_utc_that_happen_again_are_at_home_where_nothing_else_says_so() -> None:
    home = "X-WR-TIMEZONE:Europe/Berlin\n"
    again = "UID:1\nDTSTART:20260105T080000Z\nRRULE:FREQ=DAILY\nEXDATE:20260701T070000Z"
    found = only(again, before=home)
    assert found.start == Moment(datetime(2026, 1, 5, 9), "Europe/Berlin")
    assert found.excluded == ("20260701T090000",)
    assert only("UID:1\nDTSTART:20260105T080000Z", before=home).start.zone == "UTC", "once is once"
    zone = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nEND:VTIMEZONE\n"
    assert only(again, before=home + zone).start.zone == "UTC"


def test_overrides_are_found_in_whatever_zone_they_are_named() -> None:
    main = f"{BERLIN}RRULE:FREQ=DAILY"
    for named, original in (
        (":20260107T080000Z", datetime(2026, 1, 7, 9)),
        (";VALUE=DATE:20260107", datetime(2026, 1, 7, 9)),
        (";TZID=America/New_York:20260107T030000", datetime(2026, 1, 7, 9)),
        (":20260107T090000", datetime(2026, 1, 7, 9)),
    ):
        moved = f"UID:1\nRECURRENCE-ID{named}\nDTSTART;TZID=Europe/Berlin:20260107T120000"
        (entry,) = read(calendar(moved, main)).calendar.entries
        assert [one.recurrence_id for one in entry.overrides] == [Moment(original, "Europe/Berlin")]


def test_of_several_the_latest_counts() -> None:
    """By SEQUENCE, then by DTSTAMP."""
    old = f"{BERLIN}SEQUENCE:1\nDTSTAMP:20260301T000000Z\nSUMMARY:old"
    new = f"{BERLIN}SEQUENCE:2\nDTSTAMP:20260101T000000Z\nSUMMARY:new"
    moved = "UID:1\nRECURRENCE-ID:20260105T080000Z\nDTSTART:20260105T120000Z\nDTSTAMP:2026010{}T000000Z\nSUMMARY:{}"
    reading = read(calendar(new, old, moved.format(3, "later"), moved.format(2, "earlier")))
    (entry,) = reading.calendar.entries
    assert entry.main is not None
    assert entry.main.summary == "new"
    assert [one.summary for one in entry.overrides] == ["later"]
    assert repairs(reading) == ["It was there 2 times: the latest was read."]


def test_the_occurrences_of_a_series_that_was_refused_are_not_read_without_it() -> None:
    reading = read(
        calendar(f"{BERLIN}RRULE:nonsense", "UID:1\nRECURRENCE-ID:20260105T080000Z\nDTSTART:20260105T120000Z")
    )
    assert reading.calendar.entries == ()
    assert len(reading.refused) == 1


def test_one_occurrence_alone_is_an_entry() -> None:
    (entry,) = read(calendar("UID:1\nRECURRENCE-ID:20260105T080000Z\nDTSTART:20260105T120000Z")).calendar.entries
    assert entry.main is None
    assert len(entry.overrides) == 1


def test_what_has_no_uid_is_given_one_that_is_always_the_same() -> None:
    first, second = (read(calendar(f"DTSTART:20260101\nDTSTAMP:2026010{day}T000000Z\nSUMMARY:x")) for day in (1, 2))
    other = read(calendar("DTSTART:20260101\nSUMMARY:y"))
    uids = [reading.calendar.entries[0].uid for reading in (first, second, other)]
    assert uids[0] == uids[1] != uids[2]


def test_lines_may_end_in_any_way_and_be_folded_anywhere() -> None:
    text = calendar(f"{DAY}SUMMARY:Grüße aus München")
    for changed in (
        text.replace(b"\r\n", b"\n"),
        text.replace(b"\r\n", b"\r"),
        b"\xef\xbb\xbf" + text,
        text.replace("ü".encode(), b"\xc3\r\n \xbc"),
        text.replace(b"SUMMARY", b"sum\r\n\tmary"),
        text.replace(b"\r\n", b"\r\n\r\n"),
    ):
        main = read(changed).calendar.entries[0].main
        assert main is not None
        assert main.summary == "Grüße aus München"


def test_text_with_and_without_its_escapes() -> None:
    found = only(DAY + r"SUMMARY:a\, b; c\; d\\n\N\t C:\temp \"q\"" + "\nCATEGORIES:x\\,y, z ,,x\\,y")
    assert found.summary == 'a, b; c; d\\n\n\\t C:\\temp "q"'
    assert found.categories == ("x,y", "z")


def test_parameters_with_quotes_and_carets() -> None:
    found = only(f'{DAY}ATTENDEE;CN="Doe: ^\'J^\'; ^n^^";X-A=1:MAILTO:a@example.com\nATTENDEE;CN=B "b" B:b@example.com')
    assert [one.name for one in found.attendees] == ['Doe: "J"; \n^', 'B "b" B']
    assert [one.address for one in found.attendees] == ["mailto:a@example.com", "mailto:b@example.com"]


def test_lines_that_are_none_are_left_out_and_told() -> None:
    reading = read(calendar(f"{DAY}DESCRIPTION:one\nand a line that nobody folded\nSUMMARY:x"))
    assert repairs(reading) == ["No content lines, and left out: 8."]


def test_what_is_too_large_to_be_kept_is_left_out_and_told() -> None:
    reading = read(calendar(f"{DAY}ATTACH;ENCODING=BASE64;VALUE=BINARY:{'QUJD' * 20_000}\nX-SMALL:1"))
    assert reading.calendar.entries[0].main is not None
    assert reading.calendar.entries[0].main.lines == ("X-SMALL:1",)
    assert repairs(reading) == ["Too large, and left out: ATTACH."]


@pytest.mark.parametrize(
    "component, reason",
    [
        ("UID:1\nSUMMARY:x", "It has no DTSTART"),
        ("UID:1\nDTSTART:tomorrow", 'DTSTART: "tomorrow" is no date or time'),
        ("UID:1\nDTSTART:20260230", "is no date or time"),
        ("UID:1\nDTSTART;TZID=Nowhere/Land:20260101T000000", 'There is no time zone "Nowhere/Land"'),
        (f"{BERLIN}RRULE:FREQ=SOMETIMES", "FREQ"),
        (f"{BERLIN}RRULE:FREQ=DAILY;COUNT=3;UNTIL=20260201T000000Z", "UNTIL"),
        (f"{BERLIN}EXRULE:FREQ=DAILY", "EXRULE"),
        (f"{BERLIN}RDATE;VALUE=PERIOD:20260106T080000Z/20260105T080000Z", "ends before it begins"),
        (f"{BERLIN}DTEND;TZID=Europe/Berlin:20990101T000000", "lasts for more than"),
        (f"{BERLIN}EXDATE:never", "EXDATE"),
        (f"UID:{'1' * 1_001}\nDTSTART:20260101", "UID"),
        (f"{BERLIN}" + "\n".join(f"ATTENDEE:mailto:{n}@example.com" for n in range(1_001)), "ATTENDEE"),
    ],
)
def test_what_makes_no_sense_is_refused_and_the_others_are_read(component: str, reason: str) -> None:
    assert reason in refusal(component)
    reading = read(calendar(component, "UID:2\nDTSTART:20260101"))
    assert [entry.uid for entry in reading.calendar.entries] == ["2"]
    assert reading.refused[0].line == 4


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "no BEGIN:VCALENDAR"),
        ("Hello", "no BEGIN:VCALENDAR"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR", "Line 3: END:VCALENDAR ends nothing"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1", "Line 2: the text ends before END:VEVENT"),
        ("END:VCALENDAR", "Line 1"),
    ],
)
def test_what_is_no_calendar_is_refused_as_a_whole(text: str, reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        read(octets(text))


def test_the_instant_of_a_stamp_is_kept() -> None:
    found = only(f"{DAY}DTSTAMP:20260101T010203Z")
    assert found.stamp == datetime(2026, 1, 1, 1, 2, 3, tzinfo=UTC)
    assert b"DTSTAMP:20260101T010203Z" in write(read(calendar(f"{DAY}DTSTAMP:20260101T010203Z")).calendar)
