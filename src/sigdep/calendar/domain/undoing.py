"""Takes an edit back: what it changed is as it was before, and what was changed since stands."""

from typing import Any

from sigdep.calendar.commands import UndoEdit
from sigdep.calendar.domain import appointment_content as content
from sigdep.calendar.domain.appointment import (
    EDITED_FIELDS,
    OCCURRENCE_FIELDS,
    WHEN_FIELDS,
    Appointment,
    evolve,
    find_changed,
)
from sigdep.calendar.domain.appointment_decisions import Joined, changeable, present
from sigdep.calendar.domain.past_edits import (
    ChangedSince,
    Edit,
    Past,
    Undone,
    expect_unchanged,
    fold,
    unanswered,
)
from sigdep.calendar.domain.resuming import resume
from sigdep.calendar.events.appointments import (
    AppointmentEdited,
    AppointmentEvent,
    AppointmentRestored,
    AppointmentTrashed,
    OccurrenceCancelled,
    OccurrenceEdited,
    OccurrenceRestored,
    SeriesEnded,
)
from sigdep.kernel.messages import UNSET


def undo(command: UndoEdit, edit: Edit, past: Past, appointment: Appointment, later: Past = ()) -> Undone:
    """
    Args:
        later: the past of the part that a cut made.

    Raises:
        AppointmentNotFound, InTrash, ChangedSince, Joined, OccurrencesCollide
    """
    if not isinstance(edit.event, AppointmentTrashed):
        changeable(appointment)
    present(appointment)
    before = fold(event for number, event in past if number < edit.version)
    after = evolve(before, edit.event)
    match edit.event:
        case AppointmentEdited():
            return Undone(_undo_edit(command, edit, edit.event, before, after, appointment))
        case OccurrenceEdited():
            name = _name_now(edit.event.occurrence, edit.version, past)
            return Undone(_undo_occurrence(command, edit, edit.event, name, before, after, appointment))
        case OccurrenceCancelled() | OccurrenceRestored():
            name = _name_now(edit.event.occurrence, edit.version, past)
            return Undone(_undo_cancelling(command, edit, edit.event, name, appointment))
        case SeriesEnded():
            return resume(command, edit, edit.event, before, after, appointment, later)
        case AppointmentTrashed() | AppointmentRestored():
            return Undone(_undo_trash(command, edit, appointment))


def _name_now(occurrence: str, version: int, past: Past) -> str:
    """Under which identity an occurrence goes by now."""
    for number, event in past:
        if number > version and isinstance(event, AppointmentEdited):
            occurrence = event.renamed.get(occurrence, occurrence)
    return occurrence


def _undo_edit(
    command: UndoEdit,
    edit: Edit,
    event: AppointmentEdited,
    before: Appointment,
    after: Appointment,
    now: Appointment,
) -> list[AppointmentEvent]:
    named = {name for name in EDITED_FIELDS if name != "sequence" and getattr(event, name) is not UNSET}
    if named.intersection(WHEN_FIELDS):
        named.update(WHEN_FIELDS)
    expect_unchanged(named, after, now)
    changes: dict[str, Any] = {name: value for name in named if (value := getattr(before, name)) != getattr(now, name)}
    if "attendees" in changes:
        changes["attendees"] = content.with_answers(unanswered(before.attendees), (*before.attendees, *now.attendees))
    known = {new: old for old, new in event.renamed.items()}
    undone = content.edited(now, changes, command, known=known, undoes=edit.version)
    return [] if undone is None else [undone]


def _undo_occurrence(
    command: UndoEdit,
    edit: Edit,
    event: OccurrenceEdited,
    name: str,
    before: Appointment,
    after: Appointment,
    now: Appointment,
) -> list[AppointmentEvent]:
    named = {field for field in OCCURRENCE_FIELDS if getattr(event, field) is not UNSET} | set(event.cleared)
    was, left = find_changed(before, event.occurrence), find_changed(after, event.occurrence)
    expect_unchanged(named, left, find_changed(now, name))
    values = {field: value for field in named if (value := getattr(was, field)) is not UNSET}
    return [
        OccurrenceEdited(
            appointment_id=now.id,
            occurrence=name,
            by=command.by,
            at=command.at,
            cleared=tuple(sorted(named - values.keys())),
            undoes=edit.version,
            **values,
        )
    ]


def _undo_cancelling(
    command: UndoEdit, edit: Edit, event: OccurrenceCancelled | OccurrenceRestored, name: str, now: Appointment
) -> list[AppointmentEvent]:
    was_cancelled = isinstance(event, OccurrenceCancelled)
    if find_changed(now, name).cancelled != was_cancelled:
        raise ChangedSince("This occurrence was cancelled or restored again since.")
    kind = OccurrenceRestored if was_cancelled else OccurrenceCancelled
    return [kind(appointment_id=now.id, occurrence=name, by=command.by, at=command.at, undoes=edit.version)]


def _undo_trash(command: UndoEdit, edit: Edit, now: Appointment) -> list[AppointmentEvent]:
    was_trashed = isinstance(edit.event, AppointmentTrashed)
    if (now.trashed_at is not None) != was_trashed:
        raise ChangedSince("This event was put into the trash or restored again since.")
    if now.joined_to is not None:
        raise Joined("This is part of the series again from which it had been cut. Edit that one.")
    kind = AppointmentRestored if was_trashed else AppointmentTrashed
    return [kind(appointment_id=now.id, by=command.by, at=command.at, undoes=edit.version)]
