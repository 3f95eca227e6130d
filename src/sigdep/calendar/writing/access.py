"""In which workspace a command is carried out, and whether its caller may ask for it there."""

from typing import TypeAlias
from uuid import UUID

from sigdep.calendar.commands import (
    AnswerInvitation,
    AppointmentCommand,
    CalendarCommand,
    CreateCalendar,
    EditAppointment,
    EndFeeds,
    FeedCommand,
    ForgetWorkspace,
    ImportCalendar,
    RestoreCalendar,
    ScheduleAppointment,
    TrashCalendar,
)
from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.appointment_decisions import AppointmentNotFound
from sigdep.calendar.domain.calendar import CalendarNotFound
from sigdep.calendar.writing.attempt import Surroundings
from sigdep.contracts.ids import AppointmentId, CalendarId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.errors import Forbidden, Invalid, NotFound
from sigdep.kernel.messages import UNSET
from sigdep.rpc.call import Call

WriteCommand: TypeAlias = (
    CalendarCommand | FeedCommand | ImportCalendar | AppointmentCommand | ForgetWorkspace | EndFeeds
)


async def workspace_of(around: Surroundings, command: WriteCommand, call: Call) -> WorkspaceId:
    """
    Members change what they work with, and whoever may see an invitation may answer their own. To put a whole calendar
    out of everybody's sight, and back, takes an admin.

    Raises:
        NotFound: the thing does not exist, or is in a workspace that the caller is no member of: all the same.
        Forbidden: the caller's role in the workspace is too low.
    """
    if isinstance(command, ForgetWorkspace | EndFeeds):
        if call.principal is not None:
            raise Forbidden("Nobody may ask for this: it is done when a workspace is erased, or somebody leaves it.")
        return command.workspace_id
    if isinstance(command, CreateCalendar):
        return _chosen(command.workspace_id, call)
    if isinstance(command, ScheduleAppointment):
        return await _of_new(around, command, call)
    if isinstance(command, FeedCommand | ImportCalendar):
        return await _of_calendar(around, command.calendar_id, call, "member")
    if isinstance(command, CalendarCommand):
        needed: Role = "admin" if isinstance(command, TrashCalendar | RestoreCalendar) else "member"
        return await _of_calendar(around, command.calendar_id, call, needed)
    invited = isinstance(command, AnswerInvitation) and await _is_invited(around, command, call)
    return await _of_appointment(around, command.appointment_id, call, "viewer" if invited else "member")


def things_of(command: WriteCommand) -> set[UUID]:
    """What other commands may be busy with at the same time. A calendar is only looked at by what is put into it."""
    match command:
        case ForgetWorkspace() | EndFeeds():
            things: tuple[object, ...] = (command.workspace_id,)
        case ScheduleAppointment() | EditAppointment():
            things = (command.appointment_id,)
        case ImportCalendar():
            things = ()
        case _ if isinstance(command, CalendarCommand | FeedCommand):
            things = (command.calendar_id,)
        case _:
            things = (command.appointment_id,)
    return {thing for thing in things if isinstance(thing, UUID)}


def _chosen(workspace_id: WorkspaceId | None, call: Call) -> WorkspaceId:
    workspace = call.caller.personal_workspace_id if workspace_id is None else workspace_id
    call.caller.require(workspace, "member", "This workspace")
    return workspace


async def _of_calendar(around: Surroundings, calendar_id: CalendarId, call: Call, needed: Role) -> WorkspaceId:
    found = await around.calendars.load(around.calendars.decider.stream(calendar_id))
    if found.version == 0:
        raise CalendarNotFound
    call.caller.require(found.state.workspace_id, needed, "This calendar")
    return found.state.workspace_id


async def _of_appointment(around: Surroundings, appointment_id: AppointmentId, call: Call, needed: Role) -> WorkspaceId:
    found = await around.appointments.load(around.appointments.decider.stream(appointment_id))
    if found.version == 0:
        raise AppointmentNotFound
    call.caller.require(found.state.workspace_id, needed, "This event")
    return found.state.workspace_id


async def _is_invited(around: Surroundings, command: AnswerInvitation, call: Call) -> bool:
    """Whether the caller speaks for themselves, and is invited."""
    stream = around.appointments.decider.stream(command.appointment_id)
    found = await around.appointments.load(stream)
    if found.cached and not _names(found.state, call):
        found = await around.appointments.refresh(stream)  # Whoever was invited a moment ago may answer.
    return command.email is None and _names(found.state, call)


def _names(appointment: Appointment, call: Call) -> bool:
    different = (one.attendees for one in appointment.changed_occurrences if one.attendees is not UNSET)
    return any(one.user_id == call.caller.user_id for people in (appointment.attendees, *different) for one in people)


async def _of_new(around: Surroundings, command: ScheduleAppointment, call: Call) -> WorkspaceId:
    if command.workspace_id is not None or command.calendar_id is None:
        return _chosen(command.workspace_id, call)
    try:
        return await _of_calendar(around, command.calendar_id, call, "member")
    except NotFound:
        detail = "This calendar does not exist, or you are no member of its workspace."
        raise Invalid.at("/calendar_id", detail) from None
