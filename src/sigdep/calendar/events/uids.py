"""UIDs that were chosen: stream `uid-<made of calendar and UID>`."""

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
