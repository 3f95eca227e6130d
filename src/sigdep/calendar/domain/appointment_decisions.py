"""What an appointment decides by itself. What rests on other things as well is made sure of before, in `writing`."""

from typing import Any, Final

from msgspec.structs import replace

from sigdep.calendar.commands import (
    AnswerInvitation,
    AppointmentCommand,
    EditAppointment,
    RemoveAppointment,
    RestoreAppointment,
    ScheduleAppointment,
    Scope,
    UndoEdit,
)
from sigdep.calendar.domain import appointment_content as content
from sigdep.calendar.domain import fields
from sigdep.calendar.domain.appointment import (
    ABSENT,
    CATEGORY,
    PLAIN_FIELDS,
    SCHEMA,
    Appointment,
    attendees_of,
    evolve,
    find_changed,
)
from sigdep.calendar.domain.fields import attendee_key
from sigdep.calendar.domain.series import find_occurrence, original_of, series_of, times_of
from sigdep.calendar.domain.times import Times, write_when
from sigdep.calendar.events.appointments import (
    AppointmentEvent,
    AppointmentRestored,
    AppointmentTrashed,
    ChangedOccurrence,
    InvitationAnswered,
    OccurrenceCancelled,
    OccurrenceEdited,
    OccurrenceRestored,
)
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Invalid, NotFound, Refused
from sigdep.kernel.messages import UNSET
from sigdep.recurrence.expansion import midnight
from sigdep.recurrence.occurrences import Occurrence
from sigdep.recurrence.series import OVERRIDES_MAX


class AppointmentNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("This event does not exist, or you are no member of its workspace.")


class OccurrenceNotFound(NotFound):
    def __init__(self, occurrence: str) -> None:
        super().__init__(f"This event does not happen at {occurrence[:40]}: name an occurrence by its original start.")


class AppointmentExists(Refused):
    """The id that a client chose is taken."""

    def __init__(self) -> None:
        super().__init__("There is something with this id already. Choose a new id for a new event.")


class InTrash(Refused):
    def __init__(self) -> None:
        super().__init__("This event is in the trash. Restore it first.")


class OccurrenceIsCancelled(Refused):
    def __init__(self) -> None:
        super().__init__("This occurrence was cancelled. Restore it first.")


class NotInvited(Refused):
    """Only who is invited can answer."""


class Joined(Refused):
    """What was put together again with the series that it had been cut from does not come back beside it."""


def decide(command: AppointmentCommand, appointment: Appointment) -> list[AppointmentEvent]:
    """
    The commands arrive resolved: what they refer to exists, and a zone is named. Those that cut a series in two, and
    those that undo, are decided in `cutting.py` and `undoing.py`: they rest on more than the state.

    Raises:
        AppointmentNotFound, OccurrenceNotFound, AppointmentExists, InTrash, OccurrenceIsCancelled, NotInvited, Joined,
        OccurrencesCollide, Invalid.
    """
    match command:
        case ScheduleAppointment():
            if appointment.version > 0:
                raise AppointmentExists
            return [content.scheduled(command)]
        case EditAppointment():
            changeable(appointment)
            return _decide_edit(command, appointment)
        case RemoveAppointment():
            return _decide_removal(command, appointment)
        case RestoreAppointment():
            present(appointment)
            return _decide_restoring(command, appointment)
        case AnswerInvitation():
            changeable(appointment)
            return _decide_answer(command, appointment)
        case UndoEdit():
            raise TypeError("An edit is undone by what is known of the past: see undoing.py.")


def present(appointment: Appointment) -> None:
    """
    Raises:
        AppointmentNotFound: it does not exist.
    """
    if appointment.version == 0:
        raise AppointmentNotFound


def changeable(appointment: Appointment) -> None:
    """
    Raises:
        AppointmentNotFound: it does not exist.
        InTrash: it must be restored first.
    """
    present(appointment)
    if appointment.trashed_at is not None:
        raise InTrash


def scope_of(command: EditAppointment | RemoveAppointment, appointment: Appointment) -> Scope:
    """What the command means, seen that an appointment that is no series has one occurrence only.

    Raises:
        Invalid: it does not say which occurrence.
        OccurrenceNotFound, OccurrenceIsCancelled
    """
    scope: Scope = command.scope or ("all" if command.occurrence is None else "this")
    if scope == "all":
        return "all"
    if command.occurrence is None:
        raise Invalid.at("occurrence", f"scope={scope} needs an occurrence, by its original start.")
    original = found(command.occurrence, appointment).original
    if appointment.recurrence is None and not appointment.changed_occurrences:
        return "all"
    first = midnight(original) <= midnight(times_of(appointment).start)
    return "all" if scope == "following" and first else scope


def found(named: str, appointment: Appointment, pointer: str = "occurrence") -> Occurrence:
    """The occurrence that a caller names.

    Args:
        pointer: where it is named: most do it by a parameter of this name.

    Raises:
        OccurrenceNotFound, OccurrenceIsCancelled
    """
    original = original_of(named, appointment)
    if original is None:
        raise Invalid.at(pointer, "occurrence is the original start of one, as in 2026-12-01T09:00:00, or 2026-12-01.")
    occurrence = find_occurrence(series_of(appointment), original)
    if occurrence is not None:
        return occurrence
    if find_changed(appointment, write_when(original)).cancelled:
        raise OccurrenceIsCancelled
    raise OccurrenceNotFound(named)


def _decide_edit(command: EditAppointment, appointment: Appointment) -> list[AppointmentEvent]:
    if scope_of(command, appointment) == "this":
        return _edit_occurrence(command, appointment)
    of = times_of(appointment)
    if command.occurrence is not None:
        of = occurrence_times(found(command.occurrence, appointment))
    event = content.edited(appointment, content.series_changes(command, appointment, of), command)
    return [] if event is None else [event]


def occurrence_times(occurrence: Occurrence) -> Times:
    return Times(occurrence.start, occurrence.end, occurrence.zone)


def _edit_occurrence(command: EditAppointment, appointment: Appointment) -> list[AppointmentEvent]:
    for name in ("recurrence", "calendar_id", "sequence"):
        if getattr(command, name) is not UNSET:
            raise Invalid.at(f"/{name}", "This belongs to the whole series: use scope=all, or scope=following.")
    assert command.occurrence is not None
    occurrence = found(command.occurrence, appointment)
    name = write_when(occurrence.original)
    changed = find_changed(appointment, name)
    if len(appointment.changed_occurrences) >= OVERRIDES_MAX and changed not in appointment.changed_occurrences:
        raise Refused(f"So many occurrences of this series were changed that it takes no more: {OVERRIDES_MAX:,}.")
    changes = content.cleaned_fields(command, as_it_is(appointment, changed))
    changes |= _occurrence_times(command, occurrence, appointment)
    if not changes:
        return []
    event = OccurrenceEdited(appointment_id=appointment.id, occurrence=name, by=command.by, at=command.at, **changes)
    if changes.keys() & {"reminders", "attendees"}:
        content.check_recurring(evolve(appointment, event))
    return [event]


def as_it_is(appointment: Appointment, changed: ChangedOccurrence) -> Appointment:
    """The appointment with what is different about one occurrence, but for its time."""
    differs = {name: value for name in PLAIN_FIELDS if (value := getattr(changed, name)) is not UNSET}
    differs["attendees"] = attendees_of(appointment, changed)
    return replace(appointment, **differs)


def _occurrence_times(command: EditAppointment, occurrence: Occurrence, series: Appointment) -> dict[str, Any]:
    of = occurrence_times(occurrence)
    asked = content.edited_times(command, of)
    if asked == of:
        return {}
    if asked.timed and (asked.zone is None) != (series.time_zone is None):
        detail = "One occurrence has a time zone where its series has one, and can be all-day in a series that is not."
        raise Invalid.at("/time_zone", detail)
    return {"start": write_when(asked.start), "end": write_when(asked.end), "time_zone": asked.zone}


def _decide_removal(command: RemoveAppointment, appointment: Appointment) -> list[AppointmentEvent]:
    present(appointment)
    if command.occurrence is not None and command.scope in (None, "this") and appointment.trashed_at is None:
        original = original_of(command.occurrence, appointment)
        if original is not None and find_changed(appointment, write_when(original)).cancelled:
            return []  # Asked twice, cancelled once.
    if appointment.trashed_at is not None:
        if command.scope in (None, "all") and command.occurrence is None:
            return []
        raise InTrash
    if scope_of(command, appointment) == "all":
        return [AppointmentTrashed(appointment_id=appointment.id, by=command.by, at=command.at)]
    assert command.occurrence is not None
    name = write_when(found(command.occurrence, appointment).original)
    return [OccurrenceCancelled(appointment_id=appointment.id, occurrence=name, by=command.by, at=command.at)]


def _decide_restoring(command: RestoreAppointment, appointment: Appointment) -> list[AppointmentEvent]:
    if command.occurrence is None:
        if appointment.trashed_at is None:
            return []
        if appointment.joined_to is not None:
            raise Joined("This is part of the series again from which it had been cut. Edit that one.")
        return [AppointmentRestored(appointment_id=appointment.id, by=command.by, at=command.at)]
    changeable(appointment)
    original = original_of(command.occurrence, appointment)
    name = None if original is None else write_when(original)
    if name is None or not find_changed(appointment, name).cancelled:
        found(command.occurrence, appointment)  # It is there, or there is none.
        return []
    return [OccurrenceRestored(appointment_id=appointment.id, occurrence=name, by=command.by, at=command.at)]


def _decide_answer(command: AnswerInvitation, appointment: Appointment) -> list[AppointmentEvent]:
    who = str(command.by) if command.email is None else fields.email(command.email, "/email")
    name, people = None, appointment.attendees
    if command.occurrence is not None:
        name = write_when(found(command.occurrence, appointment, "/occurrence").original)
        people = attendees_of(appointment, find_changed(appointment, name))
        if appointment.recurrence is None and not appointment.changed_occurrences:
            name = None
    attendee = next((one for one in people if attendee_key(one) == who), None)
    if attendee is None:
        raise NotInvited("Only who is invited can answer: nobody with this name is among the attendees.")
    if attendee.answer == command.answer:
        return []
    return [
        InvitationAnswered(
            appointment_id=appointment.id,
            attendee=who,
            answer=command.answer,
            occurrence=name,
            by=command.by,
            at=command.at,
        )
    ]


APPOINTMENT: Final = Decider[Any, Appointment](
    category=CATEGORY, initial=ABSENT, decide=decide, evolve=evolve, schema=SCHEMA
)
