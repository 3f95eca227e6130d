"""Calendars meant to keep a server busy: each is read or refused after a bounded number of calls.

Calls of functions are counted and not seconds, as these tests run on busy machines; `benchmarks/ical.py` measures the
seconds.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import cycle, islice
from types import FrameType
from typing import Any

import pytest

from sigdep.ical.blocks import NESTING_MAX
from sigdep.ical.lines import LINES_MAX, OCTETS_MAX
from sigdep.ical.reading import read
from sigdep.ical.refusals import UnreadableCalendar
from sigdep.ical.zones import ZONES_MAX
from sigdep.kernel.errors import Invalid
from sigdep.recurrence.series import OVERRIDES_MAX
from tests.ical.hostile import BERLIN, HOSTILE, OVERRIDE
from tests.ical.samples import calendar, octets

CALLS_FOR_EACH_OCTET_MAX = 4
CALLS_BEFORE_MAX = 300_000
"""For zones that have no name: when the clocks of those that Windows names change in some years."""


def calls_of(question: Callable[[], Any]) -> int:
    """How many functions a question calls, those written in C included."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        with suppress(Invalid):
            question()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_read_or_refused_with_bounded_work(name: str) -> None:
    text = HOSTILE[name]
    calls = calls_of(lambda: read(text))
    assert calls < CALLS_BEFORE_MAX + CALLS_FOR_EACH_OCTET_MAX * len(text)


def test_ten_thousand_exdates_are_refused_with_a_sentence() -> None:
    for name in ("10,000 EXDATEs", "10,000 EXDATEs, a line for each"):
        reading = read(HOSTILE[name])
        assert reading.calendar.entries == ()
        assert reading.refused[0].reason == "EXDATE: a series has at most 2,000; this one has 10,000."
    assert len(read(HOSTILE["as many EXDATEs as are read"]).calendar.entries) == 1


def test_they_are_counted_before_they_are_read() -> None:
    assert calls_of(lambda: read(HOSTILE["10,000 EXDATEs"])) < 2_000


def test_overrides_without_end_are_refused_with_a_sentence() -> None:
    for name in ("10,000 overrides", "10,000 overrides of one"):
        (refused,) = read(HOSTILE[name]).refused
        assert refused.reason == "A UID has at most 4,002 components; this one has 10,001."
    (refused,) = read(
        calendar(BERLIN, *(OVERRIDE.format(n % 1000, n // 1000) for n in range(OVERRIDES_MAX + 1)))
    ).refused
    assert refused.reason == "RECURRENCE-ID: a series has at most 2,000; this one has 2,001."
    assert len(read(HOSTILE["as many overrides as are read"]).calendar.entries[0].overrides) == OVERRIDES_MAX


def test_zones_without_end_are_refused_with_a_sentence() -> None:
    reasons = [one.reason for one in read(HOSTILE["zones without names"]).refused]
    assert reasons[ZONES_MAX] == "A calendar names at most 100 time zones; this is one more."


@pytest.mark.parametrize(
    "text, reason",
    [
        (b"x" * (OCTETS_MAX + 1), "at most 6,000,000 octets"),
        (b"\n" * LINES_MAX, "at most 250,000 lines"),
        (octets("BEGIN:VCALENDAR\n" * (NESTING_MAX + 1)), f"Line {NESTING_MAX + 1}: components are nested at most"),
        (octets("BEGIN:VCALENDAR\n" + "BEGIN:X\nEND:X\n" * 60_000), "at most 50,000 components"),
        (octets("BEGIN:VCALENDAR\nX:") + b"ab\xff", "Line 2: octet 5 is not UTF-8"),
        (octets("BEGIN:VCALENDAR\nEND:VCALENDAR").decode().encode("utf-16"), "is not UTF-8"),
    ],
)
def test_what_is_too_much_as_a_whole_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(UnreadableCalendar, match=reason):
        read(text)


def test_controls_are_left_out() -> None:
    main = read(HOSTILE["NULs"]).calendar.entries[0].main
    assert main is not None
    assert (main.uid, main.summary) == ("1", "ab")


def test_half_of_anything_is_read_or_refused() -> None:
    """Wherever a text is cut, and whichever of its lines is missing or twice there."""
    text = calendar(BERLIN + "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nEND:VALARM", OVERRIDE.format(26, 8))
    lines = text.split(b"\r\n")
    shorter = [text[:length] for length in range(len(text))]
    changed = [b"\r\n".join(lines[:place] + repeat + lines[place + 1 :]) for place in range(len(lines))
               for repeat in ([], [lines[place]] * 2)]  # fmt: skip
    signs = [
        bytes(islice(cycle([sign]), 50)).join(text.split(b":", place)) for sign in b'";,\\^=' for place in range(9)
    ]
    for one in shorter + changed + signs:
        with suppress(Invalid):
            read(one)
