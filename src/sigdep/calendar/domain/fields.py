"""What the texts and lists of calendars and appointments may hold, and in which form they are kept."""

import re
from datetime import UTC, datetime
from typing import Final

from sigdep.calendar.events.appointments import Attendee, Reminder
from sigdep.kernel.errors import Invalid
from sigdep.kernel.texts import CONTROL_IN_LINES, line, lines
from sigdep.recurrence.duration import InvalidDuration, format_duration, parse_duration
from sigdep.recurrence.zones import UnknownZone, zone_named

TITLE_LENGTH_MAX: Final = 500
DESCRIPTION_LENGTH_MAX: Final = 65_536
LOCATION_LENGTH_MAX: Final = 1_000
NAME_LENGTH_MAX: Final = 200
URL_LENGTH_MAX: Final = 2_000
UID_LENGTH_MAX: Final = 500
EMAIL_LENGTH_MAX: Final = 320
ZONE_LENGTH_MAX: Final = 60

ATTENDEES_MAX: Final = 200
REMINDERS_MAX: Final = 20
EXTRA_PROPERTIES_MAX: Final = 500
EXTRA_PROPERTIES_LENGTH_MAX: Final = 65_536
"""Characters of all of them together."""

COLOR_PATTERN: Final = "^#[0-9a-fA-F]{6}$"
EMAIL_PATTERN: Final = r"^[^@\s<>\"\u0000-\u001f\u007f-\u009f]+@[^@\s<>\"\u0000-\u001f\u007f-\u009f]+$"
URL_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s\u0000-\u001f\u007f-\u009f]+$"

_RUNS: Final = frozenset({"javascript", "vbscript", "data"})
"""Schemes of addresses that are programs: whoever clicked on one would run what somebody else has written."""

_COLOR: Final = re.compile(COLOR_PATTERN)
_EMAIL: Final = re.compile(EMAIL_PATTERN)
_URL: Final = re.compile(URL_PATTERN)


def title(text: str) -> str:
    return line(text, TITLE_LENGTH_MAX, "/title", "A title")


def name(text: str) -> str:
    return line(text, NAME_LENGTH_MAX, "/name", "A name")


def description(text: str | None) -> str | None:
    return lines(text, DESCRIPTION_LENGTH_MAX, "/description", "A description")


def location(text: str | None) -> str | None:
    return lines(text, LOCATION_LENGTH_MAX, "/location", "A location")


def uid(text: str) -> str:
    return line(text, UID_LENGTH_MAX, "/uid", "A UID")


def color(text: str | None) -> str | None:
    if text is not None and not _COLOR.fullmatch(text):
        raise Invalid.at("/color", "A color is six hexadecimal digits behind a #, as in #1e90ff.")
    return None if text is None else text.lower()


def url(text: str | None) -> str | None:
    if text is not None and (len(text) > URL_LENGTH_MAX or not _URL.fullmatch(text)):
        raise Invalid.at("/url", f"A URL is an address with its scheme, of {URL_LENGTH_MAX:,} characters at most.")
    if text is not None and text.partition(":")[0].lower() in _RUNS:
        raise Invalid.at("/url", "A URL leads somewhere: it is no program and no content of its own.")
    return text


def time_zone(name: str, pointer: str = "/time_zone") -> str:
    """
    Raises:
        Invalid: there is none of this name.
    """
    try:
        zone_named(name)
    except UnknownZone as error:
        raise Invalid.at(pointer, error.detail) from None
    return name


def attendee_key(attendee: Attendee) -> str:
    """By which answers are kept."""
    return str(attendee.user_id) if attendee.user_id is not None else str(attendee.email)


def attendees(people: tuple[Attendee, ...]) -> tuple[Attendee, ...]:
    """
    Raises:
        Invalid: they are too many, one is there twice, or nobody knows who one is.
    """
    if len(people) > ATTENDEES_MAX:
        raise Invalid.at("/attendees", f"An event may have {ATTENDEES_MAX} attendees at most.")
    kept = tuple(_attendee(one, f"/attendees/{place}") for place, one in enumerate(people))
    seen: set[str] = set()
    for place, one in enumerate(kept):
        if attendee_key(one) in seen:
            raise Invalid.at(f"/attendees/{place}", "This attendee is there twice.")
        seen.add(attendee_key(one))
    return kept


def _attendee(one: Attendee, pointer: str) -> Attendee:
    if (one.user_id is None) == (one.email is None):
        raise Invalid.at(pointer, "An attendee has a user_id or an email, and not both.")
    return Attendee(
        user_id=one.user_id,
        email=None if one.email is None else email(one.email, f"{pointer}/email"),
        name=None if one.name is None else line(one.name, NAME_LENGTH_MAX, f"{pointer}/name", "A name"),
        role=one.role,
        answer=one.answer,
    )


def email(address: str, pointer: str) -> str:
    """In small letters: nobody's answer shall depend on how their address was typed."""
    if len(address) > EMAIL_LENGTH_MAX or not _EMAIL.fullmatch(address):
        raise Invalid.at(pointer, "This is no e-mail address, as in ada@example.org.")
    return address.lower()


def reminders(asked: tuple[Reminder, ...]) -> tuple[Reminder, ...]:
    """Each once.

    Raises:
        Invalid: they are too many, or one makes no sense.
    """
    if len(asked) > REMINDERS_MAX:
        raise Invalid.at("/reminders", f"An event may have {REMINDERS_MAX} reminders at most.")
    return tuple(dict.fromkeys(_reminder(one, f"/reminders/{place}") for place, one in enumerate(asked)))


def _reminder(one: Reminder, pointer: str) -> Reminder:
    if (one.before is None) == (one.at is None):
        raise Invalid.at(pointer, "A reminder is some time before the event, or at an instant, and not both.")
    if one.before is not None:
        try:
            return Reminder(before=format_duration(parse_duration(one.before)))
        except InvalidDuration as error:
            raise Invalid.at(f"{pointer}/before", error.detail) from None
    assert one.at is not None
    return Reminder(at=instant(one.at, f"{pointer}/at"))


def instant(at: datetime, pointer: str) -> datetime:
    """The same instant in UTC.

    Raises:
        Invalid: it has no offset, or is at the very end of all years.
    """
    if at.tzinfo is None:
        raise Invalid.at(pointer, "An instant needs its offset from UTC, as in 2026-12-01T09:00:00Z.")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise Invalid.at(pointer, "No calendar goes that far.") from None


def extra_properties(kept: tuple[str, ...]) -> tuple[str, ...]:
    """Unfolded lines of iCalendar, as they came.

    Raises:
        Invalid: they are too many, or one is no line.
    """
    if len(kept) > EXTRA_PROPERTIES_MAX or sum(map(len, kept)) > EXTRA_PROPERTIES_LENGTH_MAX:
        raise Invalid.at(
            "/extra_properties",
            f"Unknown properties may be {EXTRA_PROPERTIES_MAX} lines and {EXTRA_PROPERTIES_LENGTH_MAX:,} characters.",
        )
    for place, one in enumerate(kept):
        if not one or CONTROL_IN_LINES.search(one) or "\n" in one or "\r" in one:
            raise Invalid.at(f"/extra_properties/{place}", "A property is one line without control characters.")
    return kept
