"""What a calendar knows under one UID: stream `uid-<made of calendar and UID>`."""

from datetime import datetime

from sigdep.contracts.ids import AppointmentId, CalendarId, UserId, WorkspaceId
from sigdep.kernel.messages import Event


class UidChosen(Event):
    """Under this UID the calendar knows this appointment, whose id is another."""

    calendar_id: CalendarId
    workspace_id: WorkspaceId
    uid: str
    appointment_id: AppointmentId
    by: UserId
    at: datetime


class EntryImported(Event, omit_defaults=True):
    """What another calendar says under this UID has been taken over. Its next version is compared with it."""

    calendar_id: CalendarId
    workspace_id: WorkspaceId
    uid: str
    appointment_id: AppointmentId
    text: str
    """The components, as iCalendar."""
    digest: str
    """Of what they say, whenever they were written."""
    by: UserId
    at: datetime
    parts: tuple[AppointmentId, ...] = ()
    """The later parts of the series (RANGE=THISANDFUTURE), in their order; those that end it are none."""
