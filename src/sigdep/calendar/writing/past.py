"""What an appointment was at one version, for contexts that tell people of it."""

from collections.abc import Sequence
from typing import Final

from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.appointment_decisions import AppointmentNotFound
from sigdep.calendar.writing.attempt import Surroundings
from sigdep.contracts.ids import AppointmentId, UserId
from sigdep.contracts.things import FindThing, ThingThen
from sigdep.kernel.errors import Forbidden
from sigdep.kernel.ids import Version
from sigdep.rpc.call import Call

FIRST: Final = 1


async def find_thing(around: Surroundings, query: FindThing, call: Call) -> ThingThen:
    """From the log: what has been projected may lie behind the event that is asked about, or before it.

    Raises:
        Forbidden: somebody has signed in. Only services ask this, by themselves.
        AppointmentNotFound: there was no such appointment at that version, or it has been erased.
    """
    if call.principal is not None:
        raise Forbidden("Nobody may ask for this: services ask it by themselves.")
    appointments = around.appointments
    stream = appointments.decider.stream(AppointmentId(query.thing_id))
    then = await appointments.load_at(stream, Version(query.version))
    if then.version == 0:
        raise AppointmentNotFound
    before: Sequence[UserId] = ()
    if query.version > FIRST:
        before = _users(await appointments.load_at(stream, Version(query.version - 1)))
    return ThingThen(
        workspace_id=then.workspace_id,
        title=then.title,
        created_by=then.created_by,
        people=tuple(_users(then)),
        people_before=tuple(before),
    )


def _users(appointment: Appointment) -> Sequence[UserId]:
    return [attendee.user_id for attendee in appointment.attendees if attendee.user_id is not None]
