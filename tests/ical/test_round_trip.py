"""Random calendars: what is written is read again, by us and by others, and nothing in a value becomes a line."""

import re
from contextlib import suppress
from datetime import datetime

import icalendar
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigdep.ical.lines import FOLDED_OCTETS_MAX
from sigdep.ical.model import Alarm, Attendee, Calendar, Component, Entry, Kept
from sigdep.ical.reading import read, read_entry
from sigdep.ical.values import Moment
from sigdep.ical.writing import write, write_entry
from sigdep.kernel.errors import Invalid
from tests.ical.components import calendars, entries

slowly = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
anything = st.text(st.characters() | st.sampled_from(list('\r\n\x00\x0b\x85\u2028:;,"^\\=')), max_size=60)
INJECTIONS = [
    "\r\nATTENDEE:mailto:evil@example.com",
    "\nBEGIN:VALARM",
    "\rEND:VEVENT",
    "\x85X-EVIL:1",
    "\u2028X-EVIL:1",
]


@given(calendars())
@slowly
def test_what_is_written_is_read_again(calendar: Calendar) -> None:
    reading = read(write(calendar))
    assert reading.refused == ()
    assert reading.calendar == calendar


@given(entries("one"))
@slowly
def test_an_entry_that_is_written_by_itself_is_read_again(entry: Entry) -> None:
    assert read_entry(write_entry(entry)) == entry


@given(calendars())
@slowly
def test_lines_are_folded_at_75_octets_and_never_inside_a_character(calendar: Calendar) -> None:
    written = write(calendar)
    lines = written.split(b"\r\n")
    assert lines.pop() == b""
    for line in lines:
        assert len(line) <= FOLDED_OCTETS_MAX
        assert b"\n" not in line
        assert b"\r" not in line
        line.decode()


@given(entries("one"))
@slowly
def test_another_reader_finds_every_component(entry: Entry) -> None:
    found = icalendar.Calendar.from_ical(write(Calendar(entries=(entry,))))
    assert [str(one["SUMMARY"]) for one in found.walk("VEVENT") if "SUMMARY" in one] == [
        one.summary for one in entry.components() if one.summary
    ]
    assert len(found.walk("VEVENT")) == 1 + len(entry.overrides)
    assert not found.errors


def test_utc_stays_utc_also_beside_the_zone_of_the_owner() -> None:
    start = Moment(datetime(2026, 1, 5, 8), "UTC")
    entry = Entry(uid="1", main=Component(uid="1", start=start, rules=("FREQ=DAILY",)))
    for entries_ in ((entry,), ()):
        calendar = Calendar(zone="Europe/Berlin", entries=entries_)
        assert read(write(calendar)).calendar == calendar
        assert b"TZID:Europe/Berlin" in write(calendar)


def names(octets: bytes) -> list[str]:
    """Of all lines, for whoever takes any break that there is for the end of one."""
    lines = octets.decode().replace("\r\n ", "").replace("\r\n", "\n")
    return [re.split("[;:]", line)[0] for line in re.split("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", lines)]


def filled(text: str, line: str) -> Calendar:
    """One with the text in every place that takes one."""
    attendee = Attendee(address=f"mailto:{text}", name=text, role=text, answer=text, kind=text, parameters=line)
    start = Moment(read(SIMPLE).calendar.entries[0].main.start.when)  # type: ignore[union-attr]
    component = Component(
        uid=f"u{text}",
        start=start,
        summary=f"s{text}",
        description=f"d{text}",
        location=f"l{text}",
        url=f"u{text}",
        color=f"c{text}",
        categories=(f"c{text}", f"d{text}"),
        rules=(f"FREQ=DAILY{text}",),
        excluded=(f"20260101{text}",),
        organizer=attendee,
        attendees=(attendee,),
        alarms=(Alarm(action=f"A{text}", summary=f"s{text}", description=f"d{text}", lines=(line,)),),
        parameters=(("SUMMARY", line),),
        lines=(line,),
        components=(Kept("X-KEPT", (line,)), Kept(line)),
    )
    entry = Entry(uid=f"u{text}", main=component)
    return Calendar(name=f"n{text}", description=f"d{text}", color=f"c{text}", method=f"m{text}", entries=(entry,))


SIMPLE = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20260101\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
PLAIN = names(write(filled("x", "")))


@given(anything | st.sampled_from(INJECTIONS))
@slowly
def test_no_value_ever_becomes_a_line(text: str) -> None:
    assert names(write(filled(text, ""))) == PLAIN


def names_of_the_component(octets: bytes) -> list[str]:
    """Of the lines that stand in the VEVENT itself."""
    found, depth = [], 0
    for name in names(octets):
        depth += {"BEGIN": 1, "END": -1}.get(name, 0)
        if depth == 2:
            found.append(name)
    assert depth == 0, "what begins ends"
    return found


KEPT = [*INJECTIONS, "BEGIN:VALARM", "ATTENDEE:mailto:a@b.c", "UID;A=1:evil", ";A=1:evil", "X-EVIL"]


@given(anything | st.sampled_from(KEPT))
@slowly
def test_no_kept_line_says_what_we_understand(text: str) -> None:
    """At most it stands where it is kept, under a name that we do not understand."""
    found = names_of_the_component(write(filled("x", text)))
    for name in ("ATTENDEE", "ORGANIZER", "SUMMARY", "DTSTART", "UID", "RRULE"):
        assert found.count(name) == names_of_the_component(write(filled("x", ""))).count(name), name


@given(st.binary(max_size=300))
@slowly
def test_octets_of_any_kind_are_read_or_refused(octets: bytes) -> None:
    for text in (octets, SIMPLE[:40] + octets + SIMPLE[40:]):
        with suppress(Invalid):
            read(text)
