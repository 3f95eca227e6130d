"""Commands to calendars, and the one that is made when it is first needed."""

from msgspec.structs import replace

from sigdep.calendar.commands import CalendarCommand, CreateCalendar
from sigdep.calendar.domain.calendar import (
    DEFAULT_NAME,
    Calendar,
    CalendarExists,
    CalendarNotFound,
    changeable,
    decide,
    default_calendar,
)
from sigdep.calendar.events.calendars import CalendarCreated
from sigdep.calendar.writing.attempt import Attempt
from sigdep.contracts.ids import CalendarId
from sigdep.kernel.errors import Invalid
from sigdep.kernel.ids import Version


async def change_calendar(attempt: Attempt, command: CalendarCommand) -> CalendarId:
    """Decide and record one command of any kind. Returns the calendar that it was about."""
    if isinstance(command, CreateCalendar):
        return await _create(attempt, command)
    calendars = attempt.around.calendars
    calendar = await attempt.unit.load(calendars, command.calendar_id)
    if calendar.version == 0 or calendar.workspace_id != attempt.workspace:
        raise CalendarNotFound
    attempt.match(calendars, calendar.id, calendar.version)
    attempt.record(calendars, calendar.id, decide(command, calendar))
    return calendar.id


async def _create(attempt: Attempt, command: CreateCalendar) -> CalendarId:
    """
    Raises:
        CalendarExists: another request has used the id. The same request may come again, and changes nothing.
    """
    calendars = attempt.around.calendars
    calendar_id = CalendarId(attempt.make_id()) if command.calendar_id is None else command.calendar_id
    calendar = await attempt.unit.load(calendars, calendar_id)
    attempt.match(calendars, calendar_id, calendar.version)
    zone = command.time_zone or attempt.call.caller.time_zone
    command = replace(command, calendar_id=calendar_id, workspace_id=attempt.workspace, time_zone=zone)
    if calendar.version > 0:
        await _expect_same(attempt, command, calendar)
        attempt.repeated = True
        return calendar_id
    attempt.record(calendars, calendar_id, decide(command, calendar))
    return calendar_id


async def _expect_same(attempt: Attempt, command: CreateCalendar, calendar: Calendar) -> None:
    calendars = attempt.around.calendars
    history = await attempt.around.store.read(calendars.decider.stream(calendar.id), until=Version(1))
    first = history.events[0].event if history.events else None
    if not isinstance(first, CalendarCreated):
        raise CalendarExists
    if decide(replace(command, at=first.at), calendars.decider.initial) != [first]:
        raise CalendarExists


async def calendar_at(attempt: Attempt, calendar_id: CalendarId, pointer: str) -> Calendar:
    """A calendar that a field refers to, fit to take appointments.

    Raises:
        Invalid: it does not exist in this workspace.
        CalendarReadOnly: it is archived or in the trash.
    """
    calendar = await attempt.unit.load(attempt.around.calendars, calendar_id, guard=True)
    if calendar.version == 0 or calendar.workspace_id != attempt.workspace:
        if calendar.version > 0 and calendar.workspace_id in attempt.call.caller.roles:
            raise Invalid.at(pointer, "This calendar is in another workspace, and events cannot leave theirs.")
        raise Invalid.at(pointer, "There is no such calendar in this workspace.")
    changeable(calendar)
    return calendar


async def default_at(attempt: Attempt) -> Calendar:
    """The workspace's default calendar, made now if this is the first time that it is needed.

    Raises:
        CalendarReadOnly: it is archived or in the trash.
    """
    calendars, identity = attempt.around.calendars, default_calendar(attempt.workspace)
    calendar = await attempt.unit.load(calendars, identity, guard=True)
    if calendar.version > 0:
        changeable(calendar)
        return calendar
    command = CreateCalendar(
        calendar_id=identity,
        workspace_id=attempt.workspace,
        name=DEFAULT_NAME,
        time_zone=attempt.call.caller.time_zone,
        by=attempt.call.caller.user_id,
        at=attempt.call.asked_at,
    )
    return attempt.record(calendars, identity, decide(command, calendar))
