"""Cuts a series in two, for "this and all that follows": the first part ends, the second is one of its own."""

from typing import Final, NamedTuple
from uuid import UUID, uuid5

from msgspec.structs import replace

from sigdep.calendar.commands import EditAppointment, RemoveAppointment
from sigdep.calendar.domain import appointment_content as content
from sigdep.calendar.domain.appointment import EDITED_FIELDS, Appointment, evolve
from sigdep.calendar.domain.appointment_decisions import changeable, found, occurrence_times, scope_of
from sigdep.calendar.domain.series import series_of, written
from sigdep.calendar.domain.times import after, write_when
from sigdep.calendar.events.appointments import AppointmentScheduled, SeriesEnded
from sigdep.contracts.ids import AppointmentId
from sigdep.kernel.ids import text_of
from sigdep.recurrence.series import Series
from sigdep.recurrence.split import split

_PARTS: Final = UUID("3c1d8a52-6d0f-5b0a-9c1e-7f4a1f0e2b96")
"""Namespace (RFC 9562 §5.5) of the ids of later parts."""


class Cut(NamedTuple):
    """What becomes of a series."""

    ended: SeriesEnded
    continued: AppointmentScheduled | None
    """The second part, an appointment of its own. None: it does not happen."""


def cuts(command: EditAppointment | RemoveAppointment, appointment: Appointment) -> bool:
    """Whether the command asks for a cut. From the first occurrence on, it is about all of them."""
    return command.scope == "following" and scope_of(command, appointment) == "following"


def part_id(appointment: Appointment, occurrence: str) -> AppointmentId:
    """Of the part that a cut would make now: the same wherever and however often it is worked out."""
    return AppointmentId(uuid5(_PARTS, f"{text_of(appointment.id)}/{occurrence}/{appointment.version}"))


def cut(command: EditAppointment | RemoveAppointment, appointment: Appointment) -> Cut:
    """
    Raises:
        OccurrenceNotFound, OccurrenceIsCancelled, InTrash, Invalid, OccurrencesCollide
        CannotSplit: no two series would together have the same occurrences.
    """
    changeable(appointment)
    assert command.occurrence is not None
    occurrence = found(command.occurrence, appointment)
    name = write_when(occurrence.original)
    before, later = split(series_of(appointment), occurrence.original)
    staying = {write_when(one.original) for one in before.overrides}
    left = tuple(one.occurrence for one in appointment.changed_occurrences if one.occurrence not in staying)
    ended = SeriesEnded(
        appointment_id=appointment.id,
        occurrence=name,
        recurrence=written(before),
        by=command.by,
        at=command.at,
        left=left,
    )
    if isinstance(command, RemoveAppointment):
        return Cut(ended, None)
    second = _second(appointment, name, later, left)
    edited = content.edited(second, content.series_changes(command, second, occurrence_times(occurrence)), command)
    changed = second if edited is None else evolve(second, edited)
    names = {} if edited is None else edited.renamed
    return Cut(
        replace(ended, continued_by=second.id, renamed=names),
        AppointmentScheduled(
            appointment_id=second.id,
            workspace_id=second.workspace_id,
            uid=second.uid,
            by=command.by,
            at=command.at,
            changed_occurrences=changed.changed_occurrences,
            continues=appointment.id,
            **{name: getattr(changed, name) for name in EDITED_FIELDS},
        ),
    )


def _second(appointment: Appointment, name: str, later: Series, left: tuple[str, ...]) -> Appointment:
    """The second part before it is edited."""
    identity = part_id(appointment, name)
    return replace(
        appointment,
        id=identity,
        uid=text_of(identity),
        start=write_when(later.start),
        end=write_when(after(later.start, later.lasts, later.zone)),
        recurrence=written(later),
        changed_occurrences=tuple(one for one in appointment.changed_occurrences if one.occurrence in left),
        sequence=0,
        continues=appointment.id,
        continued_by=None,
    )
