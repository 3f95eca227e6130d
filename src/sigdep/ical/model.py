"""What a calendar says, in plain structs: whoever writes and reads it again finds the same."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, Literal

from msgspec import Struct

from sigdep.ical.values import Moment
from sigdep.recurrence.duration import Duration

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Status = Literal["TENTATIVE", "CONFIRMED", "CANCELLED"]


class Kept(Struct, frozen=True):
    """A component within another that we do not understand, as it was written."""

    name: str
    lines: tuple[str, ...] = ()
    components: tuple["Kept", ...] = ()


class Attendee(Struct, frozen=True, kw_only=True):
    """Who is asked to come, or who asks (ORGANIZER)."""

    address: str
    """As `mailto:jane@example.com`."""
    name: str = ""
    role: str = ""
    """`REQ-PARTICIPANT`, `OPT-PARTICIPANT`, `NON-PARTICIPANT`, `CHAIR`, or another; empty means the first."""
    answer: str = ""
    """PARTSTAT: `NEEDS-ACTION`, `ACCEPTED`, `DECLINED`, `TENTATIVE`, `DELEGATED`, or another; empty means the first."""
    kind: str = ""
    """CUTYPE: `INDIVIDUAL`, `GROUP`, `RESOURCE`, `ROOM`, or another; empty means the first."""
    parameters: str = ""
    """All others, as written: `;RSVP=TRUE;X-NUM-GUESTS=0`."""


class Alarm(Struct, frozen=True, kw_only=True):
    """A VALARM that goes off so long before or after the start or the end, or at an instant."""

    action: str
    trigger: Duration | None = None
    """None where `at` is given."""
    after: bool = False
    """Otherwise the trigger is before."""
    related: Literal["START", "END"] = "START"
    at: datetime | None = None
    """UTC."""
    summary: str = ""
    description: str = ""
    lines: tuple[str, ...] = ()
    """All else it says, as written."""
    components: tuple[Kept, ...] = ()


class Component(Struct, frozen=True, kw_only=True):
    """A VEVENT: a series, something that happens once, or one occurrence of a series made different."""

    uid: str
    sequence: int = 0
    stamp: datetime = EPOCH
    """DTSTAMP, in UTC."""
    created: datetime | None = None
    modified: datetime | None = None
    start: Moment
    end: Moment | None = None
    duration: Duration | None = None
    """Instead of an end."""
    rules: tuple[str, ...] = ()
    """RRULE, as `sigdep.recurrence.format` writes rules."""
    extra: tuple[str, ...] = ()
    """RDATE, on the wall of the zone of the start: `19970714T090000`, `19970714`, or with `/PT1H` where it lasts as
    long as that."""
    excluded: tuple[str, ...] = ()
    """EXDATE, alike."""
    recurrence_id: Moment | None = None
    """The original start of the occurrence that is made different here."""
    following: bool = False
    """And of all that follow."""
    summary: str = ""
    description: str = ""
    location: str = ""
    url: str = ""
    color: str = ""
    """A name of CSS 3, or `#rrggbb`."""
    categories: tuple[str, ...] = ()
    status: Status | None = None
    transparent: bool = False
    """It leaves people free."""
    organizer: Attendee | None = None
    attendees: tuple[Attendee, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    """Of properties that we understand, by their name: the parameters that we do not, as `;LANGUAGE=de`."""
    lines: tuple[str, ...] = ()
    """Properties that we do not understand, as they were written, unfolded."""
    components: tuple[Kept, ...] = ()


class Entry(Struct, frozen=True, kw_only=True):
    """All that is said under one UID."""

    uid: str
    main: Component | None
    """The series, or what happens once. None: somebody was invited to single occurrences only."""
    overrides: tuple[Component, ...] = ()
    """In the order of their original starts, each once."""

    def components(self) -> Iterator[Component]:
        if self.main is not None:
            yield self.main
        yield from self.overrides


class Refusal(Struct, frozen=True, kw_only=True):
    """A component that was not read, and why."""

    uid: str
    """Empty where it has none."""
    line: int
    """Where it begins."""
    reason: str
    """A sentence."""


class Repair(Struct, frozen=True, kw_only=True):
    """What was understood although the standard knows it not, or was left out."""

    uid: str
    detail: str


class Calendar(Struct, frozen=True, kw_only=True):
    """A VCALENDAR, or all those of one file."""

    name: str = ""
    description: str = ""
    color: str = ""
    zone: str | None = None
    """IANA: where its owner is at home (X-WR-TIMEZONE)."""
    refresh: Duration | None = None
    """How often whoever subscribes to it should look again."""
    method: str = ""
    entries: tuple[Entry, ...] = ()
    lines: tuple[str, ...] = ()
    """Properties of the calendar that we do not understand, as written."""


class Reading(Struct, frozen=True, kw_only=True):
    """What was read of a file, and what was not."""

    calendar: Calendar
    refused: tuple[Refusal, ...] = ()
    repaired: tuple[Repair, ...] = ()
    passed_over: tuple[tuple[str, int], ...] = ()
    """Components that are none of ours, VTODO and such, by their name, and how many."""
