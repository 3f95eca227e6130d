"""What becomes of an appointment when its entry in another calendar is imported again."""

from typing import Any

from msgspec.structs import replace

from sigdep.calendar.commands import EditAppointment
from sigdep.calendar.domain import appointment_content as content
from sigdep.calendar.domain.appointment import OCCURRENCE_FIELDS, Appointment, evolve, find_changed
from sigdep.calendar.domain.series import times_of
from sigdep.calendar.events.appointments import (
    AppointmentEvent,
    ChangedOccurrence,
    OccurrenceCancelled,
    OccurrenceEdited,
    OccurrenceRestored,
    Recurrence,
)
from sigdep.kernel.errors import Invalid
from sigdep.kernel.messages import UNSET, UnsetType
from sigdep.recurrence.series import OVERRIDES_MAX


def imported_again(
    command: EditAppointment, changed: tuple[ChangedOccurrence, ...], appointment: Appointment, marker: str
) -> list[AppointmentEvent]:
    """
    Args:
        command: all fields as the other calendar has them.
        changed: the occurrences that are different there.
        marker: how the lines begin by which an occurrence is known that an earlier import has changed. What people
            have changed here about other occurrences stays.

    Raises:
        Invalid: the series would make no sense.
        OccurrencesCollide
    """
    command = _without_cancelled(command, appointment)
    events: list[AppointmentEvent] = []
    changes = content.series_changes(command, appointment, times_of(appointment))
    # Its SEQUENCE is that of the other calendar: a later one from there must not look older than ours.
    edited = content.edited(appointment, changes | {"sequence": command.sequence} if changes else changes, command)
    state = appointment
    if edited is not None:
        events.append(edited)
        state = evolve(state, edited)
    wanted = {one.occurrence: one for one in changed}
    for one in state.changed_occurrences:
        if one.occurrence not in wanted and _is_marked(one, marker):
            wanted[one.occurrence] = ChangedOccurrence(occurrence=one.occurrence)
    for one in wanted.values():
        for event in _changes_of(find_changed(state, one.occurrence), one, command, marker):
            events.append(event)
            state = evolve(state, event)
    if len(state.changed_occurrences) > OVERRIDES_MAX:
        raise Invalid.at("/changed_occurrences", f"A series may have {OVERRIDES_MAX:,} changed occurrences at most.")
    content.check_recurring(state)
    return events


def _without_cancelled(command: EditAppointment, appointment: Appointment) -> EditAppointment:
    """An occurrence that was cancelled here is written as an excluded date, and comes back as one."""
    recurrence = command.recurrence
    cancelled = {one.occurrence for one in appointment.changed_occurrences if one.cancelled}
    if not isinstance(recurrence, Recurrence) or not cancelled.intersection(recurrence.excluded_dates):
        return command
    before = () if appointment.recurrence is None else appointment.recurrence.excluded_dates
    kept = tuple(one for one in recurrence.excluded_dates if one not in cancelled or one in before)
    return replace(command, recurrence=replace(recurrence, excluded_dates=kept))


def without_marks(lines: tuple[str, ...] | UnsetType, marker: str) -> tuple[str, ...]:
    return () if lines is UNSET else tuple(line for line in lines if not line.startswith(marker))


def _is_marked(changed: ChangedOccurrence, marker: str) -> bool:
    lines = changed.extra_properties
    return lines is not UNSET and lines != without_marks(lines, marker)


def _changes_of(
    present: ChangedOccurrence, wanted: ChangedOccurrence, command: EditAppointment, marker: str
) -> list[OccurrenceEdited | OccurrenceCancelled | OccurrenceRestored]:
    about: dict[str, Any] = {
        "appointment_id": command.appointment_id,
        "occurrence": wanted.occurrence,
        "by": command.by,
        "at": command.at,
    }
    if wanted.cancelled:
        return [] if present.cancelled else [OccurrenceCancelled(**about)]
    events: list[OccurrenceEdited | OccurrenceCancelled | OccurrenceRestored] = []
    if present.cancelled:
        events.append(OccurrenceRestored(**about))
    # A mark alone is no change: an occurrence that people have changed here stays theirs.
    same_extra = without_marks(wanted.extra_properties, marker) == without_marks(present.extra_properties, marker)
    compared = [name for name in OCCURRENCE_FIELDS if name != "extra_properties" or not same_extra]
    edits = {
        name: value
        for name in compared
        if (value := getattr(wanted, name)) is not UNSET and value != getattr(present, name)
    }
    cleared = tuple(name for name in compared if getattr(wanted, name) is UNSET and getattr(present, name) is not UNSET)
    if edits and present.extra_properties is UNSET and wanted.extra_properties is not UNSET:
        edits["extra_properties"] = wanted.extra_properties
    if edits or cleared:
        events.append(OccurrenceEdited(**about, cleared=cleared, **edits))
    return events
