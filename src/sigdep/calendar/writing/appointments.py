"""Commands to appointments: what each rests on beyond the appointment itself, and what else changes with it."""

from collections.abc import Sequence

from msgspec.structs import replace

from sigdep.calendar.commands import (
    AppointmentCommand,
    EditAppointment,
    RemoveAppointment,
    ScheduleAppointment,
    UndoEdit,
)
from sigdep.calendar.domain import appointment_content as content
from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.appointment_decisions import (
    AppointmentExists,
    AppointmentNotFound,
    decide,
    present,
)
from sigdep.calendar.domain.calendar import Calendar
from sigdep.calendar.domain.calendar import changeable as calendar_changeable
from sigdep.calendar.domain.cutting import cut, cuts
from sigdep.calendar.domain.fields import attendee_key
from sigdep.calendar.events.appointments import AppointmentScheduled, Attendee
from sigdep.calendar.writing.attempt import Attempt
from sigdep.calendar.writing.calendars import calendar_at, default_at
from sigdep.calendar.writing.known import choose_uid
from sigdep.calendar.writing.undoing import undo_edit
from sigdep.contracts.ids import AppointmentId
from sigdep.kernel.errors import Fault, Invalid
from sigdep.kernel.ids import Version
from sigdep.kernel.messages import UNSET


async def change_appointment(attempt: Attempt, command: AppointmentCommand) -> AppointmentId:
    """Decide and record one command of any kind. Returns the appointment that the answer shows."""
    if isinstance(command, ScheduleAppointment):
        return await _schedule(attempt, command)
    appointment = await _matching(attempt, command.appointment_id)
    match command:
        case EditAppointment():
            return await _edit(attempt, command, appointment)
        case RemoveAppointment() if cuts(command, appointment):
            return _cut(attempt, command, appointment)
        case UndoEdit():
            return await undo_edit(attempt, command, appointment)
        case _:
            pass
    attempt.record(attempt.around.appointments, appointment.id, decide(command, appointment))
    return appointment.id


async def _matching(attempt: Attempt, appointment_id: AppointmentId) -> Appointment:
    """The appointment that a command is about, at the version that the caller expects.

    Raises:
        AppointmentNotFound: it does not exist in the attempt's workspace.
        CalendarReadOnly: its calendar is archived or in the trash.
        Stale: If-Match names another version.
    """
    appointment = await attempt.unit.load(attempt.around.appointments, appointment_id)
    present(appointment)
    if appointment.workspace_id != attempt.workspace:
        raise AppointmentNotFound
    calendar = await attempt.unit.load(attempt.around.calendars, appointment.calendar_id, guard=True)
    calendar_changeable(calendar)
    attempt.match(attempt.around.appointments, appointment_id, appointment.version)
    return appointment


async def _schedule(attempt: Attempt, command: ScheduleAppointment) -> AppointmentId:
    appointments = attempt.around.appointments
    calendar = None
    if await _is_new(attempt, command):
        calendar = await _calendar_for(attempt, command)  # First: in the log, too, it is there before what is in it.
    if command.appointment_id is None:
        appointment_id = AppointmentId(attempt.make_id())
        appointment = attempt.unit.begin(appointments, appointment_id)
    else:
        appointment_id = command.appointment_id
        appointment = await attempt.unit.load(appointments, appointment_id)
    attempt.match(appointments, appointment_id, appointment.version)
    command = replace(command, appointment_id=appointment_id, workspace_id=attempt.workspace)
    if appointment.version > 0:
        await _expect_same(attempt, command, appointment)
        attempt.repeated = True
        return appointment_id
    calendar = calendar or await _calendar_for(attempt, command)
    zone = calendar.time_zone if command.time_zone is UNSET else command.time_zone
    command = replace(command, calendar_id=calendar.id, time_zone=zone)
    await check_attendees(attempt, command.attendees)
    event = content.scheduled(command)
    await choose_uid(attempt, event)
    attempt.record(appointments, appointment_id, [event])
    return appointment_id


async def _is_new(attempt: Attempt, command: ScheduleAppointment) -> bool:
    """As far as can be said without holding it still."""
    if command.appointment_id is None:
        return True
    appointments = attempt.around.appointments
    return (await appointments.load(appointments.decider.stream(command.appointment_id))).version == 0


async def _calendar_for(attempt: Attempt, command: ScheduleAppointment) -> Calendar:
    if command.calendar_id is None:
        return await default_at(attempt)
    return await calendar_at(attempt, command.calendar_id, "/calendar_id")


async def _expect_same(attempt: Attempt, command: ScheduleAppointment, appointment: Appointment) -> None:
    """
    Raises:
        AppointmentExists: another request has used the id. The same request may come again, and changes nothing.
    """
    stream = attempt.around.appointments.decider.stream(appointment.id)
    history = await attempt.around.store.read(stream, until=Version(1))
    first = history.events[0].event if history.events else None
    if not isinstance(first, AppointmentScheduled) or first.workspace_id != attempt.workspace:
        raise AppointmentExists
    asked = content.scheduled(
        replace(
            command,
            at=first.at,
            calendar_id=command.calendar_id or first.calendar_id,
            time_zone=first.time_zone if command.time_zone is UNSET else command.time_zone,
        )
    )
    if asked != first:
        raise AppointmentExists


async def _edit(attempt: Attempt, command: EditAppointment, appointment: Appointment) -> AppointmentId:
    if command.calendar_id is not UNSET and command.calendar_id != appointment.calendar_id:
        await calendar_at(attempt, command.calendar_id, "/calendar_id")
    if command.attendees is not UNSET:
        await check_attendees(attempt, command.attendees, appointment.attendees)
    gets_time = command.start is not UNSET and "T" in command.start
    if appointment.all_day and gets_time and command.time_zone is UNSET:
        calendar = await attempt.unit.load(attempt.around.calendars, appointment.calendar_id)
        command = replace(command, time_zone=calendar.time_zone)
    if cuts(command, appointment):
        return _cut(attempt, command, appointment)
    attempt.record(attempt.around.appointments, appointment.id, decide(command, appointment))
    return appointment.id


def _cut(attempt: Attempt, command: EditAppointment | RemoveAppointment, appointment: Appointment) -> AppointmentId:
    """Both parts are stored together. Returns the one that the command has changed."""
    appointments = attempt.around.appointments
    ended, continued = cut(command, appointment)
    attempt.record(appointments, appointment.id, [ended])
    if continued is None:
        return appointment.id
    attempt.unit.begin(appointments, continued.appointment_id)
    attempt.record(appointments, continued.appointment_id, [continued])
    return continued.appointment_id


async def check_attendees(attempt: Attempt, asked: Sequence[Attendee], present: Sequence[Attendee] = ()) -> None:
    """
    Raises:
        Invalid: a user who is new to the appointment is no member of the workspace, or has not given that answer.
    """
    known = {attendee_key(one): one.answer for one in present}
    for place, one in enumerate(asked):
        foreign = one.user_id is not None and one.user_id != attempt.call.caller.user_id
        if foreign and one.answer not in ("needs_action", known.get(attendee_key(one))):
            raise Invalid.at(f"/attendees/{place}/answer", "Users answer themselves: leave their answer out.")
    new = [one.user_id for one in asked if one.user_id is not None and attendee_key(one) not in known]
    if not new:
        return
    strangers = set(await attempt.around.members.are_members(attempt.workspace, new))
    if strangers:
        detail = "This user is no member of the workspace."
        raise Invalid(
            detail, [Fault(f"/attendees/{i}", detail) for i, one in enumerate(asked) if one.user_id in strangers]
        )
