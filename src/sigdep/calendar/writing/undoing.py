"""The command that takes an edit back: it reads the past of the appointment, and of the part that was cut from it."""

from sigdep.calendar.commands import UndoEdit
from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.past_edits import Edit, NothingToUndo, Past, find_edit
from sigdep.calendar.domain.undoing import undo
from sigdep.calendar.events.appointments import AppointmentEdited, SeriesEnded
from sigdep.calendar.writing.attempt import Attempt
from sigdep.calendar.writing.calendars import calendar_at
from sigdep.contracts.ids import AppointmentId
from sigdep.kernel.ids import Version
from sigdep.kernel.messages import UNSET


async def undo_edit(attempt: Attempt, command: UndoEdit, appointment: Appointment) -> AppointmentId:
    """Decide and record. Returns the appointment that was put right.

    To take back how a later part began is to take back the cut, and then that is the series that was cut.
    """
    past = await past_of(attempt, appointment)
    if appointment.continues is not None and _means_the_cut(command, past):
        appointment = await attempt.unit.load(attempt.around.appointments, appointment.continues)
        past = await past_of(attempt, appointment)
        edit = find_edit(past, _cut_by(command.appointment_id, past))
    else:
        edit = find_edit(past, command.version)
    if edit is not None:  # Else it was asked twice, and undone once.
        await _carry_out(attempt, command, edit, past, appointment)
    return appointment.id


def _means_the_cut(command: UndoEdit, past: Past) -> bool:
    if command.version is not None:
        return command.version == 1
    try:
        find_edit(past, None)
    except NothingToUndo:
        return True
    return False


def _cut_by(part: AppointmentId, past: Past) -> int:
    """The version of the cut that a later part comes from."""
    return next(number for number, event in past if isinstance(event, SeriesEnded) and event.continued_by == part)


async def _carry_out(attempt: Attempt, command: UndoEdit, edit: Edit, past: Past, appointment: Appointment) -> None:
    appointments = attempt.around.appointments
    later: Past = ()
    if isinstance(edit.event, SeriesEnded) and edit.event.continued_by is not None:
        part = await attempt.unit.load(appointments, edit.event.continued_by, guard=True)
        later = await past_of(attempt, part)
    undone = undo(command, edit, past, appointment, later)
    for event in undone.events:
        if isinstance(event, AppointmentEdited) and event.calendar_id is not UNSET:
            await calendar_at(attempt, event.calendar_id, "/calendar_id")
    attempt.record(appointments, appointment.id, undone.events)
    if undone.joined is not None:
        attempt.record(appointments, undone.joined.appointment_id, [undone.joined])


async def past_of(attempt: Attempt, appointment: Appointment) -> Past:
    """All that has happened to the appointment, up to where the attempt has found it."""
    appointments = attempt.around.appointments
    stream = appointments.decider.stream(appointment.id)
    until: Version = attempt.unit.version(appointments, appointment.id)
    history = await attempt.around.store.read(stream, until=until)
    return [(one.version, one.event) for one in history.events if one.event is not None]  # type: ignore[misc]
