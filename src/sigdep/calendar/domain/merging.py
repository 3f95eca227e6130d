"""What becomes of an appointment when a later version of it is imported: three versions are compared, field by field.

What the other calendar changed since it was last imported is changed here, too. What it left as it was stays as people
have it here. Where both changed the same, and not alike, the other calendar is followed, and that is told.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from sigdep.calendar.domain import appointment_content as content
from sigdep.calendar.domain.appointment import (
    PLAIN_FIELDS,
    TIME_FIELDS,
    WHEN_FIELDS,
    Appointment,
    after_occurrences,
    evolve,
    find_changed,
)
from sigdep.calendar.domain.series import find_occurrence, renaming, series_of, times_of
from sigdep.calendar.domain.three_way import (
    Conflict,
    merge_attendees,
    merge_reminders,
    merge_when,
    when_of,
)
from sigdep.calendar.domain.times import read_when
from sigdep.calendar.events.appointments import (
    AppointmentEdited,
    AppointmentEvent,
    ChangedOccurrence,
    OccurrenceCancelled,
    OccurrenceEdited,
    OccurrenceRestored,
    Recurrence,
)
from sigdep.contracts.ids import UserId
from sigdep.kernel.errors import Invalid
from sigdep.kernel.messages import UNSET
from sigdep.recurrence.series import OVERRIDES_MAX

OccurrenceEvent = OccurrenceEdited | OccurrenceCancelled | OccurrenceRestored

_TOGETHER: Final = frozenset(TIME_FIELDS)


class Importer(Struct, frozen=True):
    """By whom and when, as events say it."""

    by: UserId
    at: Any


class Merged(NamedTuple):
    events: list[AppointmentEvent]
    state: Appointment
    """After them."""
    conflicts: list[Conflict]


def merge(
    base: Appointment | None,
    there: Appointment,
    here: Appointment,
    by: Importer,
    *,
    sequence: int | None,
    begins: str | None = None,
) -> Merged:
    """
    Args:
        base: as it was last imported. None: it never was; whatever differs has changed on both sides.
        there: as it is to be imported now.
        sequence: of the other calendar. None: it counts none for this.
        begins: what has become of the start of the base in the other calendar, where it begins with something else.

    Raises:
        Invalid: the series would make no sense.
        OccurrencesCollide
    """
    there = _with_cancelled(base, there, here)
    changes, conflicts = _changes(base, there, here)
    if base is None or here.start != base.start or changes.get("start", here.start) != there.start:
        begins = None  # It is not about this start.
    edited = None
    if changes:
        if changes.keys() & _TOGETHER and here.recurrence is not None:
            changes.setdefault("recurrence", here.recurrence)  # Else it would move along, and it has been already.
        if sequence is not None:
            changes["sequence"] = max(sequence, here.sequence)
        known = None if begins is None else _names_in(replace(here, **changes), here, begins)
        edited = content.edited(here, changes, by, known=known)
    events: list[AppointmentEvent] = [] if edited is None else [edited]
    state = here if edited is None else evolve(here, edited)
    more, state, told = _merge_occurrences(base, there, state, by, begins)
    events += more
    conflicts += told
    if events:
        if len(state.changed_occurrences) > OVERRIDES_MAX:
            raise Invalid.at("/changed_occurrences", f"A series may have {OVERRIDES_MAX:,} changed occurrences.")
        content.check_recurring(state)
    if edited is not None and base is not None:
        conflicts += _left_beside(base, here, edited, state)
    return Merged(events, state, conflicts)


def same(one: Appointment, other: Appointment) -> bool:
    """But for who has answered, they say the same."""
    names = (*PLAIN_FIELDS, *WHEN_FIELDS, "changed_occurrences")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _with_cancelled(base: Appointment | None, there: Appointment, here: Appointment) -> Appointment:
    """An occurrence that is cancelled here is written as an excluded date, and comes back as one."""
    recurrence = there.recurrence
    cancelled = {one.occurrence for one in here.changed_occurrences if one.cancelled}
    if recurrence is None or not cancelled.intersection(recurrence.excluded_dates):
        return there
    for one in (base, here):
        cancelled.difference_update(() if one is None or one.recurrence is None else one.recurrence.excluded_dates)
    kept = tuple(one for one in recurrence.excluded_dates if one not in cancelled)
    left = replace(recurrence, excluded_dates=kept)
    back = cancelled.intersection(recurrence.excluded_dates)
    others = [one for one in there.changed_occurrences if one.occurrence not in back]
    changed = (*others, *(ChangedOccurrence(occurrence=name, cancelled=True) for name in sorted(back)))
    return replace(there, recurrence=None if left == Recurrence() else left, changed_occurrences=changed)


# ── the whole of it ─────────────────────────────────────────────────────────────────────────────────────


def _changes(base: Appointment | None, there: Appointment, here: Appointment) -> tuple[dict[str, Any], list[Conflict]]:
    if base is None:
        return _all_changes(there, here)
    changes, conflicts = merge_when(base, there, here)
    for name in PLAIN_FIELDS:
        was, theirs, ours = (getattr(one, name) for one in (base, there, here))
        value, told = _merge_field(name, was, theirs, ours)
        changes[name] = value
        conflicts += told
    return {name: value for name, value in changes.items() if value != getattr(here, name)}, conflicts


def _merge_field(name: str, was: Any, theirs: Any, ours: Any) -> tuple[Any, list[Conflict]]:
    if theirs in (was, ours):
        return ours, []
    if UNSET not in (was, theirs, ours):
        if name == "attendees":
            return merge_attendees(was, theirs, ours)
        if name == "reminders":
            return merge_reminders(was, theirs, ours), []
    return theirs, [] if ours == was else [Conflict(name, ours, theirs)]


def _all_changes(there: Appointment, here: Appointment) -> tuple[dict[str, Any], list[Conflict]]:
    theirs = {name: getattr(there, name) for name in PLAIN_FIELDS} | when_of(there)
    theirs["attendees"] = content.with_answers(there.attendees, here.attendees)
    changes = {name: value for name, value in theirs.items() if value != getattr(here, name)}
    return changes, [Conflict(name, getattr(here, name), value) for name, value in changes.items()]


# ── single occurrences ──────────────────────────────────────────────────────────────────────────────────


def _merge_occurrences(
    base: Appointment | None, there: Appointment, state: Appointment, by: Importer, begins: str | None
) -> tuple[list[OccurrenceEvent], Appointment, list[Conflict]]:
    were = {} if base is None else _named_in(state, base, begins)
    theirs = _named_in(state, there)
    present = {one.occurrence: one for one in state.changed_occurrences}
    events: list[OccurrenceEvent] = []
    conflicts: list[Conflict] = []
    for name in sorted(were.keys() | theirs.keys()):
        absent = ChangedOccurrence(occurrence=name)
        ours = present.get(name, absent)
        some, told = _merge_occurrence(were.get(name, absent), theirs.get(name, absent), ours, state, by)
        events += some
        conflicts += told
    return events, after_occurrences(state, events), conflicts


def _named_in(series: Appointment, of: Appointment, begins: str | None = None) -> dict[str, ChangedOccurrence]:
    """The changed occurrences of a version under the identities that they have in the series as it is by now."""
    names = {} if times_of(of) == times_of(series) and begins is None else _names_in(series, of, begins)
    found = ((names.get(one.occurrence, one.occurrence), one) for one in of.changed_occurrences)
    return {name: replace(one, occurrence=name) for name, one in found}


def _names_in(series: Appointment, of: Appointment, begins: str | None) -> dict[str, str]:
    """
    Args:
        begins: what has become of the start.
    """
    names = [one.occurrence for one in of.changed_occurrences]
    old, new = (series_of(replace(one, changed_occurrences=())) for one in (of, series))
    found = renaming(old, new, names, {}, start=None if begins is None else read_when(begins, "/start"))
    return {name: found.get(name, name) for name in names}


def _merge_occurrence(
    was: ChangedOccurrence, theirs: ChangedOccurrence, ours: ChangedOccurrence, series: Appointment, by: Importer
) -> tuple[list[OccurrenceEvent], list[Conflict]]:
    about: dict[str, Any] = {"appointment_id": series.id, "occurrence": ours.occurrence, "by": by.by, "at": by.at}
    changes, conflicts = _occurrence_changes(was, theirs, ours)
    events: list[OccurrenceEvent] = []
    if theirs.cancelled != ours.cancelled and theirs.cancelled != was.cancelled:
        events.append((OccurrenceCancelled if theirs.cancelled else OccurrenceRestored)(**about))
        if theirs.cancelled and replace(ours, cancelled=was.cancelled) != was:
            conflicts = [Conflict("cancelled", False, True)]
    elif ours.cancelled and not was.cancelled and not theirs.cancelled and theirs != was:
        conflicts.append(Conflict("cancelled", True, False, "here"))
    if theirs.cancelled:  # What people have changed is kept, for the day on which it is restored.
        changes = {name: value for name, value in changes.items() if getattr(ours, name) == getattr(was, name)}
    edits = {name: value for name, value in changes.items() if value is not UNSET}
    cleared = tuple(name for name, value in changes.items() if value is UNSET)
    if changes:
        events.append(OccurrenceEdited(**about, cleared=cleared, **edits))
    return events, [one._replace(occurrence=ours.occurrence) for one in conflicts]


def _occurrence_changes(
    was: ChangedOccurrence, theirs: ChangedOccurrence, ours: ChangedOccurrence
) -> tuple[dict[str, Any], list[Conflict]]:
    changes: dict[str, Any] = {}
    conflicts: list[Conflict] = []
    for name in PLAIN_FIELDS:
        value, told = _merge_field(name, *(getattr(one, name) for one in (was, theirs, ours)))
        conflicts += told
        if value != getattr(ours, name):
            changes[name] = value
    before, other, own = ([getattr(one, name) for name in TIME_FIELDS] for one in (was, theirs, ours))
    if other not in (before, own):
        changes |= dict(zip(TIME_FIELDS, other, strict=True))
        if own != before:
            conflicts.append(Conflict("start", ours.start, theirs.start))
    return changes, conflicts


def _left_beside(
    base: Appointment, here: Appointment, edited: AppointmentEdited, state: Appointment
) -> Iterable[Conflict]:
    """Occurrences that people have changed here, and that the other calendar does not have any more: they go on beside
    the others."""
    if edited.recurrence is UNSET and edited.start is UNSET:
        return
    bare, were = (series_of(replace(one, changed_occurrences=())) for one in (state, here))
    for one in here.changed_occurrences:
        name = edited.renamed.get(one.occurrence, one.occurrence)
        if one.cancelled or one in base.changed_occurrences or find_changed(state, name).cancelled:
            continue
        gone = find_occurrence(bare, read_when(name, "/occurrence")) is None
        if gone and find_occurrence(were, read_when(one.occurrence, "/occurrence")) is not None:
            yield Conflict("recurrence", None, None, "here", name)
