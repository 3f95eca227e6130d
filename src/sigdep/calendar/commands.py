"""What is asked of calendars and appointments.

`by` and `at` are stamped at the edge, from the call. A field that is UNSET is left as it is; None clears it. Times on
the wall and dates are text, as in `events.py`.
"""

from datetime import datetime
from typing import Literal

from sigdep.calendar.events.appointments import (
    Answer,
    AppointmentStatus,
    Attendee,
    ChangedOccurrence,
    Recurrence,
    Reminder,
)
from sigdep.contracts.ids import AppointmentId, CalendarId, UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Command, UnsetType

Scope = Literal["this", "following", "all"]
"""One occurrence of a series; it and all that follow; all of them."""

# ── calendars ───────────────────────────────────────────────────────────────────────────────────────────


class CreateCalendar(Command):
    by: UserId
    at: datetime
    name: str
    calendar_id: CalendarId | None = None
    """None: made from the command's own id."""
    workspace_id: WorkspaceId | None = None
    """None: the personal one."""
    time_zone: str | None = None
    """IANA name. None: the caller's."""
    color: str | None = None
    description: str | None = None


class EditCalendar(Command):
    calendar_id: CalendarId
    by: UserId
    at: datetime
    name: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    color: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET


class ArchiveCalendar(Command):
    calendar_id: CalendarId
    by: UserId
    at: datetime


class UnarchiveCalendar(Command):
    calendar_id: CalendarId
    by: UserId
    at: datetime


class TrashCalendar(Command):
    calendar_id: CalendarId
    by: UserId
    at: datetime


class RestoreCalendar(Command):
    calendar_id: CalendarId
    by: UserId
    at: datetime


class ImportCalendar(Command):
    """Take over the events of an iCalendar text. Once more, it changes nothing."""

    calendar_id: CalendarId
    text: bytes
    by: UserId
    at: datetime
    skip: int | None = None
    """Go on behind so many of its events, as far as one request goes. None: all of them, or none."""


class OpenFeed(Command):
    """Let whoever has a secret read the calendar. A former secret opens it no more."""

    calendar_id: CalendarId
    sha256: str
    """Of the secret."""
    by: UserId
    at: datetime
    workspace_id: WorkspaceId | None = None
    """None: that of the calendar."""


class CloseFeed(Command):
    calendar_id: CalendarId
    by: UserId
    at: datetime


FeedCommand = OpenFeed | CloseFeed

CalendarCommand = CreateCalendar | EditCalendar | ArchiveCalendar | UnarchiveCalendar | TrashCalendar | RestoreCalendar


# ── appointments ────────────────────────────────────────────────────────────────────────────────────────


class ScheduleAppointment(Command):
    by: UserId
    at: datetime
    title: str
    start: str
    """A time on the wall, or a date: then it is all-day."""
    end: str | None = None
    """None: an hour later, or a day."""
    appointment_id: AppointmentId | None = None
    """None: made from the command's own id."""
    calendar_id: CalendarId | None = None
    """None: the default calendar of the workspace, which is made when it is first used."""
    workspace_id: WorkspaceId | None = None
    """None: that of the calendar; where none is named, the personal one."""
    uid: str | None = None
    """None: the id."""
    all_day: bool | None = None
    """None: as the start says."""
    time_zone: str | UnsetType | None = UNSET
    """UNSET: that of the calendar. None: it floats."""
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
    changed_occurrences: tuple[ChangedOccurrence, ...] = ()


class EditAppointment(Command):
    """One occurrence, it and all that follow, or everything."""

    appointment_id: AppointmentId
    by: UserId
    at: datetime
    scope: Scope | None = None
    """None: `this` where an occurrence is named, else `all`."""
    occurrence: str | None = None
    """Its original start. With `all`: start and end are those of this occurrence, and the others move alike."""
    calendar_id: CalendarId | UnsetType = UNSET
    title: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    location: str | UnsetType | None = UNSET
    start: str | UnsetType = UNSET
    end: str | UnsetType = UNSET
    all_day: bool | UnsetType = UNSET
    time_zone: str | UnsetType | None = UNSET
    recurrence: Recurrence | UnsetType | None = UNSET
    attendees: tuple[Attendee, ...] | UnsetType = UNSET
    """All of them. Who is among them before and after keeps their answer."""
    reminders: tuple[Reminder, ...] | UnsetType = UNSET
    busy: bool | UnsetType = UNSET
    status: AppointmentStatus | UnsetType = UNSET
    url: str | UnsetType | None = UNSET
    color: str | UnsetType | None = UNSET
    sequence: int | UnsetType = UNSET
    extra_properties: tuple[str, ...] | UnsetType = UNSET


class RemoveAppointment(Command):
    """`this`: one occurrence is cancelled. `following`: the series ends before it. `all`: into the trash."""

    appointment_id: AppointmentId
    by: UserId
    at: datetime
    scope: Scope | None = None
    """None: `this` where an occurrence is named, else `all`."""
    occurrence: str | None = None


class RestoreAppointment(Command):
    """From the trash; or one occurrence that was cancelled."""

    appointment_id: AppointmentId
    by: UserId
    at: datetime
    occurrence: str | None = None


class AnswerInvitation(Command):
    appointment_id: AppointmentId
    answer: Answer
    by: UserId
    at: datetime
    occurrence: str | None = None
    """None: all that have no answer of their own."""
    email: str | None = None
    """Whose answer it is, where that is no user. None: one's own."""


class UndoEdit(Command):
    """What an edit has changed is as it was before. What was changed since is never lost: where that stands in the way,
    the command is refused.
    """

    appointment_id: AppointmentId
    by: UserId
    at: datetime
    version: int | None = None
    """The version that the edit led to. None: the last one that has not been undone."""


AppointmentCommand = (
    ScheduleAppointment | EditAppointment | RemoveAppointment | RestoreAppointment | AnswerInvitation | UndoEdit
)


# ── workspaces ──────────────────────────────────────────────────────────────────────────────────────────


class EndFeeds(Command):
    """Those that somebody has opened who is no member of the workspace any more."""

    workspace_id: WorkspaceId
    user_id: UserId
    at: datetime


class ForgetWorkspace(Command):
    """Its key has been destroyed: have whatever was derived from its events removed. Asked by nobody but a reaction."""

    workspace_id: WorkspaceId
    at: datetime
