"""What can be asked about calendars and appointments, and the shapes of those answers that are no document."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from sigdep.calendar.events.appointments import AppointmentStatus, Attendee, Reminder
from sigdep.contracts.ids import AppointmentId, CalendarId, UserId, WorkspaceId
from sigdep.kernel.ids import Position
from sigdep.kernel.messages import Query
from sigdep.reading.moments import Moment


class GetCalendar(Query):
    calendar_id: CalendarId
    at: Moment | None = None


class ListCalendars(Query):
    """By name."""

    workspace_id: WorkspaceId | None = None
    """None: the personal one."""
    archived: bool | None = None
    """None: both."""
    trashed: bool = False
    cursor: str | None = None
    limit: int = 50
    at: Moment | None = None


class GetAppointment(Query):
    """As a whole, or as one of its occurrences is."""

    appointment_id: AppointmentId
    at: Moment | None = None


class GetOccurrence(Query):
    appointment_id: AppointmentId
    occurrence: str
    """Its original start."""
    time_zone: str | None = None
    at: Moment | None = None


class ListAppointments(Query):
    """Appointments as they are kept, each once, in the order in which they were made."""

    calendar_id: CalendarId
    uid: str | None = None
    trashed: bool = False
    cursor: str | None = None
    limit: int = 50
    at: Moment | None = None


class ListOccurrences(Query):
    """What is on at some time of a span, by start. Those of calendars that are archived or in the trash are not."""

    workspace_id: WorkspaceId | None = None
    """None: that of the first calendar; where none is named, the personal one."""
    calendar_id: tuple[CalendarId, ...] = ()
    """None named: all of the workspace. Where one is named, it may be archived."""
    since: datetime | None = None
    """UTC. None: now."""
    until: datetime | None = None
    """UTC, excluded. None: 31 days later."""
    q: str | None = None
    """Words to look for in title, description and location."""
    time_zone: str | None = None
    """IANA name: where days begin. None: the caller's."""
    cursor: str | None = None
    limit: int = 50
    at: Moment | None = None


class FindBusyTimes(Query):
    """When people have no time, as far as the caller may know."""

    since: datetime
    """UTC."""
    until: datetime
    """UTC, excluded."""
    user_ids: tuple[UserId, ...] = ()
    """None named: the caller."""
    time_zone: str | None = None
    """IANA name: where days begin. None: the caller's."""


class ExportCalendar(Query):
    """Everything in a calendar that is not in the trash, as iCalendar text."""

    calendar_id: CalendarId


class ReadFeed(Query):
    """The same, for whoever has the secret of its feed. Nobody needs to have signed in."""

    calendar_id: CalendarId
    token: str


class GetFeed(Query):
    calendar_id: CalendarId


class GetHistory(Query):
    """What has happened to one thing, event by event."""

    thing: Literal["calendar", "appointment"]
    id: CalendarId | AppointmentId
    newest_first: bool = False
    cursor: str | None = None
    limit: int = 50


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────


class Occurrence(Struct, frozen=True, kw_only=True):
    """One time that an appointment happens, with everything that is different about it."""

    occurrence_id: str
    """Unique: the appointment's id, and for a series the original start behind it."""
    id: AppointmentId
    """The appointment's: one for all occurrences of a series."""
    occurrence: str | None
    """The original start, which names it among those of its series. null: it is no series."""
    starts_at: datetime
    ends_at: datetime
    workspace_id: WorkspaceId
    calendar_id: CalendarId
    uid: str
    title: str
    description: str | None
    location: str | None
    all_day: bool
    start: str
    """On the wall of its zone, or a date."""
    end: str
    time_zone: str | None
    attendees: tuple[Attendee, ...]
    reminders: tuple[Reminder, ...]
    busy: bool
    status: AppointmentStatus
    url: str | None
    color: str | None
    changed: bool
    """It is different from the others of its series."""
    version: int
    """Of the appointment."""


class CalendarText(Struct, frozen=True, kw_only=True):
    """iCalendar."""

    content: bytes
    name: str
    """Of the calendar."""
    modified_at: datetime
    """When it was found to be different."""


class SkippedEntry(Struct, frozen=True, kw_only=True):
    """What was not imported."""

    uid: str
    """Empty where it has none."""
    reason: str
    line: int | None = None
    """Of the text, from 1, where it begins."""


class RepairedEntry(Struct, frozen=True, kw_only=True):
    """What was understood although the standard knows it not, or was left out."""

    uid: str
    detail: str


class ConflictingChange(Struct, frozen=True, kw_only=True):
    """A field that was changed here, and otherwise in the text, since the event was imported."""

    uid: str
    field: str
    """Of the event, or of one occurrence. `trashed_at`: a part of it is in the trash, or should be; `cancelled`: an
    occurrence does not happen; `recurrence` of an occurrence: it goes on beside the series, which has it no more."""
    occurrence: str | None
    """By its original start. null: the event as a whole."""
    here: str | None
    """What it was here, shortened; what is no text, as JSON. null: nothing that could be shown."""
    there: str | None
    """What it is in the text."""
    taken: Literal["there", "here"]
    """Which of the two it is now."""


class Imported(Struct, frozen=True, kw_only=True):
    """What became of the entries of an iCalendar text, each by its UID."""

    created: int
    updated: int
    unchanged: int
    skipped_count: int
    skipped: Sequence[SkippedEntry]
    """The first of them."""
    repaired: Sequence[RepairedEntry]
    passed_over: dict[str, int]
    """Components that are no events, as VTODO, and how many."""
    event_count: int = 0
    """In the whole text, as far as it could be read."""
    next_skip: int | None = None
    """There is more to be done: ask again with the same text, and with this as `skip`. null: all of it is done."""
    conflict_count: int = 0
    conflicts: Sequence[ConflictingChange] = ()
    """The first of them: what people had changed here and the text says otherwise, and which of the two was taken. All
    else that they had changed here stayed."""


class Feed(Struct, frozen=True, kw_only=True):
    """Whether whoever has a secret can read a calendar."""

    calendar_id: CalendarId
    open: bool
    opened_at: datetime | None
    opened_by: UserId | None


class Span(Struct, frozen=True, kw_only=True):
    """A time without a gap."""

    starts_at: datetime
    ends_at: datetime


class BusyTimes(Struct, frozen=True, kw_only=True):
    """When one person has no time."""

    user_id: UserId
    busy: Sequence[Span]
    """In order. None touches another."""


class BusyAnswer(Struct, frozen=True, kw_only=True):
    """Of those who were asked about, in the order of the question."""

    people: Sequence[BusyTimes]


class FieldChange(Struct, frozen=True, kw_only=True):
    """One field, before and after."""

    field: str
    """A field's name; `occurrences.<original start>` for what is different about one occurrence."""
    before: Any
    after: Any


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """One event in the history of a thing."""

    version: int
    """Of the thing, by this event."""
    position: Position
    """In the log."""
    event: str
    at: datetime
    """When it was stored."""
    by: UUID | None
    """The user. null: the system itself."""
    client: str | None
    """Through what: `session`, `token`, `reaction`."""
    credential_id: UUID | None
    """The session's or token's id."""
    request_id: str | None
    erased: bool
    """What it said has been erased together with the key that it was sealed with."""
    changes: Sequence[FieldChange]


class History(Struct, frozen=True, kw_only=True):
    """One page of a history."""

    workspace_id: WorkspaceId
    entries: Sequence[HistoryEntry]
    next_cursor: str | None
