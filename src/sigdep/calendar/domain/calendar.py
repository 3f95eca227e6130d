"""What a calendar is, what it decides, and how each event changes it. Who may ask is made sure of before."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid5

from msgspec.structs import replace

from sigdep.calendar.commands import (
    ArchiveCalendar,
    CalendarCommand,
    CreateCalendar,
    EditCalendar,
    RestoreCalendar,
    TrashCalendar,
    UnarchiveCalendar,
)
from sigdep.calendar.domain import fields
from sigdep.calendar.events.calendars import (
    CalendarArchived,
    CalendarCreated,
    CalendarEdited,
    CalendarEvent,
    CalendarRestored,
    CalendarTrashed,
    CalendarUnarchived,
)
from sigdep.contracts.ids import CalendarId, UserId, WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import NotFound, Refused
from sigdep.kernel.ids import text_of
from sigdep.kernel.messages import UNSET, State

CATEGORY: Final = "calendar"

SCHEMA: Final = "calendar-1"
"""Names the shape of `Calendar`: raise it with every change, or old snapshots are taken for new ones."""

DEFAULT_NAME: Final = "Calendar"

_DEFAULTS: Final = UUID("b7a9b1de-52d3-5f6c-8c39-0d7a5a0f7c11")
"""Namespace (RFC 9562 §5.5) of the ids of default calendars."""


class Calendar(State):
    """A calendar: what deciding remembers, what a write answers and what read models keep, in one shape."""

    id: CalendarId
    workspace_id: WorkspaceId
    name: str
    time_zone: str
    """IANA name: where appointments are that name no zone, and where its days begin."""
    color: str | None
    """`#rrggbb`."""
    description: str | None
    status: Literal["active", "archived"]
    """Archived: what is in it can be read and not changed."""
    default: bool
    """It takes the appointments of its workspace that name no calendar."""
    created_at: datetime
    created_by: UserId
    updated_at: datetime
    archived_at: datetime | None
    archived_by: UserId | None
    trashed_at: datetime | None
    trashed_by: UserId | None
    version: int
    """Grows with every event. 0: it does not exist."""


_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")

ABSENT: Final = Calendar(
    id=CalendarId(_NOBODY),
    workspace_id=WorkspaceId(_NOBODY),
    name="",
    time_zone="UTC",
    color=None,
    description=None,
    status="active",
    default=False,
    created_at=_NEVER,
    created_by=UserId(_NOBODY),
    updated_at=_NEVER,
    archived_at=None,
    archived_by=None,
    trashed_at=None,
    trashed_by=None,
    version=0,
)
"""A calendar that does not exist."""

EDITED_FIELDS: Final = ("name", "time_zone", "color", "description")


class CalendarNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("This calendar does not exist, or you are no member of its workspace.")


class CalendarExists(Refused):
    """The id that a client chose is taken."""

    def __init__(self) -> None:
        super().__init__("There is something with this id already. Choose a new id for a new calendar.")


class CalendarReadOnly(Refused):
    """It is archived or in the trash: what is in it can be read and not changed."""


def default_calendar(workspace: WorkspaceId) -> CalendarId:
    """The id of the calendar for all that names none, whether it has been made or not."""
    return CalendarId(uuid5(_DEFAULTS, text_of(workspace)))


def decide(command: CalendarCommand, calendar: Calendar) -> list[CalendarEvent]:
    """
    Raises:
        CalendarNotFound, CalendarExists, CalendarReadOnly, Invalid.
    """
    if isinstance(command, CreateCalendar):
        return _decide_create(command, calendar)
    if calendar.version == 0:
        raise CalendarNotFound
    identity, by, at = calendar.id, command.by, command.at
    match command:
        case EditCalendar():
            changeable(calendar)
            return _decide_edit(command, calendar)
        case ArchiveCalendar():
            _out_of_trash(calendar)
            return [] if calendar.status == "archived" else [CalendarArchived(calendar_id=identity, by=by, at=at)]
        case UnarchiveCalendar():
            _out_of_trash(calendar)
            return [] if calendar.status == "active" else [CalendarUnarchived(calendar_id=identity, by=by, at=at)]
        case TrashCalendar():
            return [] if calendar.trashed_at is not None else [CalendarTrashed(calendar_id=identity, by=by, at=at)]
        case RestoreCalendar():
            return [] if calendar.trashed_at is None else [CalendarRestored(calendar_id=identity, by=by, at=at)]


def changeable(calendar: Calendar) -> None:
    """
    Raises:
        CalendarReadOnly: the calendar is archived or in the trash, and what is in it as well.
    """
    _out_of_trash(calendar)
    if calendar.status == "archived":
        raise CalendarReadOnly("The calendar is archived: it can be read, not changed. Unarchive it first.")


def _out_of_trash(calendar: Calendar) -> None:
    if calendar.trashed_at is not None:
        raise CalendarReadOnly("The calendar is in the trash, and its events with it. Restore it first.")


def _decide_create(command: CreateCalendar, calendar: Calendar) -> list[CalendarEvent]:
    if calendar.version > 0:
        raise CalendarExists
    assert command.calendar_id is not None
    assert command.workspace_id is not None
    assert command.time_zone is not None
    return [
        CalendarCreated(
            calendar_id=command.calendar_id,
            workspace_id=command.workspace_id,
            name=fields.name(command.name),
            time_zone=fields.time_zone(command.time_zone),
            color=fields.color(command.color),
            description=fields.description(command.description),
            by=command.by,
            at=command.at,
        )
    ]


def _decide_edit(command: EditCalendar, calendar: Calendar) -> list[CalendarEvent]:
    edited: dict[str, Any] = {}
    for name, cleaned in _CLEANED.items():
        asked = getattr(command, name)
        if asked is not UNSET and (value := cleaned(asked)) != getattr(calendar, name):
            edited[name] = value
    return [CalendarEdited(calendar_id=calendar.id, by=command.by, at=command.at, **edited)] if edited else []


def evolve(calendar: Calendar, event: CalendarEvent) -> Calendar:
    """The calendar after the event. Never raises: what is in the log has happened."""
    if isinstance(event, CalendarCreated):
        return _created(event)
    return replace(_evolved(calendar, event), updated_at=event.at, version=calendar.version + 1)


def _evolved(calendar: Calendar, event: CalendarEvent) -> Calendar:
    match event:
        case CalendarCreated():
            return _created(event)
        case CalendarEdited():
            changes = {field: value for field in EDITED_FIELDS if (value := getattr(event, field)) is not UNSET}
            return replace(calendar, **changes)
        case CalendarArchived():
            return replace(calendar, status="archived", archived_at=event.at, archived_by=event.by)
        case CalendarUnarchived():
            return replace(calendar, status="active", archived_at=None, archived_by=None)
        case CalendarTrashed():
            return replace(calendar, trashed_at=event.at, trashed_by=event.by)
        case CalendarRestored():
            return replace(calendar, trashed_at=None, trashed_by=None)


def _created(event: CalendarCreated) -> Calendar:
    return replace(
        ABSENT,
        id=event.calendar_id,
        workspace_id=event.workspace_id,
        name=event.name,
        time_zone=event.time_zone,
        color=event.color,
        description=event.description,
        default=event.calendar_id == default_calendar(event.workspace_id),
        created_at=event.at,
        created_by=event.by,
        updated_at=event.at,
        version=1,
    )


_CLEANED: Final[dict[str, Any]] = {
    "name": fields.name,
    "time_zone": fields.time_zone,
    "color": fields.color,
    "description": fields.description,
}

CALENDAR: Final = Decider[Any, Calendar](category=CATEGORY, initial=ABSENT, decide=decide, evolve=evolve, schema=SCHEMA)
