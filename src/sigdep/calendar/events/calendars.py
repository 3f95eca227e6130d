"""What has happened to a calendar: stream `calendar-<calendar id>`."""

from datetime import datetime

from sigdep.contracts.ids import CalendarId, UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Event, UnsetType


class CalendarCreated(Event, omit_defaults=True):
    calendar_id: CalendarId
    workspace_id: WorkspaceId
    name: str
    time_zone: str
    by: UserId
    at: datetime
    color: str | None = None
    description: str | None = None


class CalendarEdited(Event):
    calendar_id: CalendarId
    by: UserId
    at: datetime
    name: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    color: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET


class CalendarArchived(Event):
    """What is in it can be read and not changed, and leaves the lists."""

    calendar_id: CalendarId
    by: UserId
    at: datetime


class CalendarUnarchived(Event):
    calendar_id: CalendarId
    by: UserId
    at: datetime


class CalendarTrashed(Event):
    """What is in it is out of sight with it."""

    calendar_id: CalendarId
    by: UserId
    at: datetime


class CalendarRestored(Event):
    calendar_id: CalendarId
    by: UserId
    at: datetime


CalendarEvent = (
    CalendarCreated | CalendarEdited | CalendarArchived | CalendarUnarchived | CalendarTrashed | CalendarRestored
)
