"""What has happened to an appointment: stream `appointment-<appointment id>`."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from sigdep.contracts.ids import AppointmentId, CalendarId, UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Event, UnsetType, field

AppointmentStatus = Literal["confirmed", "tentative", "cancelled"]


AttendeeRole = Literal["chair", "required", "optional", "informed"]


Answer = Literal["needs_action", "accepted", "declined", "tentative"]


class Recurrence(Struct, frozen=True, kw_only=True):
    """When it happens again, beside its start (RFC 5545 §3.8.5)."""

    rules: tuple[str, ...] = ()
    """As in `FREQ=WEEKLY;BYDAY=FR`."""
    extra_dates: tuple[str, ...] = ()
    """Starts on the wall, or dates. `2026-12-01T09:00:00/PT2H` has a duration of its own."""
    excluded_dates: tuple[str, ...] = ()


class Attendee(Struct, frozen=True, kw_only=True):
    """Somebody who is invited: a user, or whoever has an e-mail address."""

    user_id: UserId | None = None
    email: str | None = None
    name: str | None = None
    role: AttendeeRole = "required"
    answer: Answer = "needs_action"


class Reminder(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the two."""

    before: str | None = None
    """How long before the start, as in `PT10M`."""
    at: datetime | None = None
    """UTC."""


class ChangedOccurrence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is different about one occurrence. All else is as the series has it."""

    occurrence: str
    """The start that the series gives it, on the wall: its identity, whatever becomes of it."""
    cancelled: bool = False
    """It does not happen, and is not shown."""
    title: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    location: str | UnsetType | None = UNSET
    start: str | UnsetType = UNSET
    """Start, end and zone are different together, or not at all."""
    end: str | UnsetType = UNSET
    time_zone: str | UnsetType | None = UNSET
    attendees: tuple[Attendee, ...] | UnsetType = UNSET
    reminders: tuple[Reminder, ...] | UnsetType = UNSET
    busy: bool | UnsetType = UNSET
    status: AppointmentStatus | UnsetType = UNSET
    url: str | UnsetType | None = UNSET
    color: str | UnsetType | None = UNSET
    extra_properties: tuple[str, ...] | UnsetType = UNSET
    answers: dict[str, Answer] = field(default_factory=dict)
    """To this occurrence alone, by who gave them: a user's id, or an e-mail address."""


class AppointmentScheduled(Event, omit_defaults=True):
    appointment_id: AppointmentId
    workspace_id: WorkspaceId
    calendar_id: CalendarId
    uid: str
    title: str
    start: str
    """A time on the wall of the zone, or a date: then it lasts whole days."""
    end: str
    """Of a date: the first day after."""
    by: UserId
    at: datetime
    time_zone: str | None = None
    """None: it floats, or is all-day."""
    description: str | None = None
    location: str | None = None
    recurrence: Recurrence | None = None
    attendees: tuple[Attendee, ...] = ()
    reminders: tuple[Reminder, ...] = ()
    busy: bool = True
    status: AppointmentStatus = "confirmed"
    url: str | None = None
    color: str | None = None
    sequence: int = 0
    extra_properties: tuple[str, ...] = ()
    """Lines of iCalendar that say what no field does, as they came."""
    changed_occurrences: tuple[ChangedOccurrence, ...] = ()
    continues: AppointmentId | None = None
    """It is the later part of a series that was cut in two."""


class AppointmentEdited(Event, omit_defaults=True):
    """The whole of it: a single appointment, or a series with all its occurrences."""

    appointment_id: AppointmentId
    by: UserId
    at: datetime
    calendar_id: CalendarId | UnsetType = UNSET
    title: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    location: str | UnsetType | None = UNSET
    start: str | UnsetType = UNSET
    end: str | UnsetType = UNSET
    time_zone: str | UnsetType | None = UNSET
    recurrence: Recurrence | UnsetType | None = UNSET
    attendees: tuple[Attendee, ...] | UnsetType = UNSET
    reminders: tuple[Reminder, ...] | UnsetType = UNSET
    busy: bool | UnsetType = UNSET
    status: AppointmentStatus | UnsetType = UNSET
    url: str | UnsetType | None = UNSET
    color: str | UnsetType | None = UNSET
    sequence: int | UnsetType = UNSET
    extra_properties: tuple[str, ...] | UnsetType = UNSET
    renamed: dict[str, str] = field(default_factory=dict)
    """Where the series moved, its changed occurrences went along: from their old identities to their new ones."""
    undoes: int | None = None
    """The version of the edit that this one takes back."""


class OccurrenceEdited(Event, omit_defaults=True):
    """One occurrence is different from the others of its series."""

    appointment_id: AppointmentId
    occurrence: str
    by: UserId
    at: datetime
    title: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    location: str | UnsetType | None = UNSET
    start: str | UnsetType = UNSET
    end: str | UnsetType = UNSET
    time_zone: str | UnsetType | None = UNSET
    attendees: tuple[Attendee, ...] | UnsetType = UNSET
    reminders: tuple[Reminder, ...] | UnsetType = UNSET
    busy: bool | UnsetType = UNSET
    status: AppointmentStatus | UnsetType = UNSET
    url: str | UnsetType | None = UNSET
    color: str | UnsetType | None = UNSET
    extra_properties: tuple[str, ...] | UnsetType = UNSET
    cleared: tuple[str, ...] = ()
    """Fields that are as the series has them again."""
    undoes: int | None = None


class OccurrenceCancelled(Event, omit_defaults=True):
    """One occurrence does not happen. What was different about it is kept, for the day on which it is restored."""

    appointment_id: AppointmentId
    occurrence: str
    by: UserId
    at: datetime
    undoes: int | None = None


class OccurrenceRestored(Event, omit_defaults=True):
    appointment_id: AppointmentId
    occurrence: str
    by: UserId
    at: datetime
    undoes: int | None = None


class SeriesEnded(Event, omit_defaults=True):
    """It has no occurrences from this one on."""

    appointment_id: AppointmentId
    occurrence: str
    recurrence: Recurrence
    """What is left of it."""
    by: UserId
    at: datetime
    left: tuple[str, ...] = ()
    """The changed occurrences that it does not have any more."""
    continued_by: AppointmentId | None = None
    """It was cut in two: the other part has the later occurrences. None: they do not happen."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Under which identities the changed occurrences went over into the other part, where those are others."""


class SeriesResumed(Event, omit_defaults=True):
    """It has the later occurrences again: that it ended was undone."""

    appointment_id: AppointmentId
    recurrence: Recurrence
    by: UserId
    at: datetime
    undoes: int
    attendees: tuple[Attendee, ...] | UnsetType = UNSET
    """With the answers that were given to the later part meanwhile."""
    returned: tuple[ChangedOccurrence, ...] = ()
    """The changed occurrences that are back, as they are by now."""


class AppointmentJoined(Event):
    """The series that it was cut from has its occurrences again: it is in the trash for ever."""

    appointment_id: AppointmentId
    joined_to: AppointmentId
    by: UserId
    at: datetime


class InvitationAnswered(Event, omit_defaults=True):
    appointment_id: AppointmentId
    attendee: str
    """A user's id, or an e-mail address."""
    answer: Answer
    by: UserId
    at: datetime
    occurrence: str | None = None
    """None: to all occurrences that have no answer of their own."""


class AppointmentTrashed(Event, omit_defaults=True):
    appointment_id: AppointmentId
    by: UserId
    at: datetime
    undoes: int | None = None


class AppointmentRestored(Event, omit_defaults=True):
    """It is back from the trash."""

    appointment_id: AppointmentId
    by: UserId
    at: datetime
    undoes: int | None = None


AppointmentEvent = (
    AppointmentScheduled
    | AppointmentEdited
    | OccurrenceEdited
    | OccurrenceCancelled
    | OccurrenceRestored
    | SeriesEnded
    | SeriesResumed
    | AppointmentJoined
    | InvitationAnswered
    | AppointmentTrashed
    | AppointmentRestored
)
