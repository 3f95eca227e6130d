"""Takes an edit back: what it changed is as it was before, and what was changed since stands."""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Any, Final, NamedTuple, TypeAlias

from msgspec.structs import replace

from sigdep.calendar.commands import UndoEdit
from sigdep.calendar.domain import appointment_content as content
from sigdep.calendar.domain.appointment import (
    ABSENT,
    EDITED_FIELDS,
    OCCURRENCE_FIELDS,
    TIME_FIELDS,
    Appointment,
    evolve,
    find_changed,
)
from sigdep.calendar.domain.appointment_decisions import Joined, changeable, present
from sigdep.calendar.domain.fields import attendee_key
from sigdep.calendar.domain.series import renaming, series_of
from sigdep.calendar.domain.times import read_when
from sigdep.calendar.events.appointments import (
    AppointmentEdited,
    AppointmentEvent,
    AppointmentJoined,
    AppointmentRestored,
    AppointmentScheduled,
    AppointmentTrashed,
    Attendee,
    ChangedOccurrence,
    OccurrenceCancelled,
    OccurrenceEdited,
    OccurrenceRestored,
    SeriesEnded,
    SeriesResumed,
)
from sigdep.kernel.errors import Refused
from sigdep.kernel.messages import UNSET
from sigdep.recurrence.split import split

Undoable: TypeAlias = (
    AppointmentEdited
    | OccurrenceEdited
    | OccurrenceCancelled
    | OccurrenceRestored
    | SeriesEnded
    | AppointmentTrashed
    | AppointmentRestored
)

Past = Sequence[tuple[int, AppointmentEvent]]
"""All events of an appointment with their versions, oldest first."""

WHEN_FIELDS: Final = frozenset((*TIME_FIELDS, "recurrence"))
"""They say together when it happens, and are taken back only together."""


class NothingToUndo(Refused):
    """There is no such edit, or it was none."""


class ChangedSince(Refused):
    """To take the edit back would lose a later one."""


class Edit(NamedTuple):
    """One that can be undone."""

    version: int
    event: Undoable


class Undone(NamedTuple):
    events: Sequence[AppointmentEvent]
    joined: AppointmentJoined | None = None
    """What becomes of the later part of a series that is whole again."""


def find_edit(past: Past, version: int | None) -> Edit | None:
    """The edit that is meant. None: it has been undone already.

    Args:
        version: None: the last one that is neither undone nor takes another back.

    Raises:
        NothingToUndo
    """
    undone = set(_undone(past))
    if version is not None:
        event = dict(past).get(version)
        if not isinstance(event, Undoable):
            raise NothingToUndo(f"Version {version} of this event is no edit that can be undone.")
        return None if version in undone else Edit(version, event)
    for number, event in reversed(past):
        if isinstance(event, Undoable) and event_undoes(event) is None and number not in undone:
            return Edit(number, event)
    raise NothingToUndo("There is no edit of this event that can be undone.")


def _undone(past: Past) -> Iterator[int]:
    """The versions that were taken back, and not brought back by taking that back."""
    gone: set[int] = set()
    for number, event in reversed(past):
        undoes = event_undoes(event)
        if undoes is not None and number not in gone:
            gone.add(undoes)
            yield undoes


def event_undoes(event: AppointmentEvent) -> int | None:
    """The version that the event takes back."""
    undoes: int | None = getattr(event, "undoes", None)
    return undoes


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
    before = _fold(event for number, event in past if number < edit.version)
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
            return _undo_end(command, edit, edit.event, before, after, appointment, later)
        case AppointmentTrashed() | AppointmentRestored():
            return Undone(_undo_trash(command, edit, appointment))


def _fold(events: Iterable[AppointmentEvent]) -> Appointment:
    return reduce(evolve, events, ABSENT)


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
    if named & WHEN_FIELDS:
        named |= WHEN_FIELDS
    _expect_unchanged(named, after, now)
    changes: dict[str, Any] = {name: value for name in named if (value := getattr(before, name)) != getattr(now, name)}
    if "attendees" in changes:
        changes["attendees"] = content.with_answers(_unanswered(before.attendees), (*before.attendees, *now.attendees))
    known = {new: old for old, new in event.renamed.items()}
    undone = content.edited(now, changes, command, known=known, undoes=edit.version)
    return [] if undone is None else [undone]


def _expect_unchanged(names: Iterable[str], left: Any, now: Any) -> None:
    for name in sorted(names):
        were, are = getattr(left, name), getattr(now, name)
        if name == "attendees" and were is not UNSET and are is not UNSET:
            were, are = _unanswered(were), _unanswered(are)  # Answers are no edits.
        if were != are:
            raise ChangedSince(f"{name} was changed again since. Undo that edit first.")


def _unanswered(people: tuple[Attendee, ...]) -> tuple[Attendee, ...]:
    return tuple(replace(one, answer="needs_action") for one in people)


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
    _expect_unchanged(named, left, find_changed(now, name))
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


# ── a series that had ended ─────────────────────────────────────────────────────────────────────────────


def _undo_end(
    command: UndoEdit,
    edit: Edit,
    event: SeriesEnded,
    before: Appointment,
    after: Appointment,
    now: Appointment,
    later: Past,
) -> Undone:
    _expect_unchanged(WHEN_FIELDS, after, now)
    returned = [one for one in before.changed_occurrences if one.occurrence in event.left]
    attendees: Any = UNSET
    joined = None
    if event.continued_by is not None:
        part = _fold(one for _, one in later)
        first = later[0][1]
        assert isinstance(first, AppointmentScheduled)
        _expect_no_edits(first, part)
        returned = list(_back(event, before, part))
        answered = _answered_since(now.attendees, first.attendees, part.attendees)
        attendees = answered if answered != now.attendees else UNSET
        joined = AppointmentJoined(appointment_id=part.id, joined_to=now.id, by=command.by, at=command.at)
    recurrence = before.recurrence or event.recurrence
    resumed = SeriesResumed(
        appointment_id=now.id,
        recurrence=recurrence,
        by=command.by,
        at=command.at,
        undoes=edit.version,
        attendees=attendees,
        returned=tuple(returned),
    )
    content.check_recurring(evolve(now, resumed))
    return Undone([resumed], joined)


def _expect_no_edits(first: AppointmentScheduled, part: Appointment) -> None:
    """What people have done to single occurrences of the later part goes back with them; no edit of all of it could."""
    if part.continued_by is not None or part.trashed_at is not None:
        raise ChangedSince("The later part of this series was cut again or put into the trash. Undo that first.")
    try:
        _expect_unchanged([name for name in EDITED_FIELDS if name != "sequence"], first, part)
    except ChangedSince as error:
        raise ChangedSince(f"In the later part of this series {error.detail}") from None


def _back(event: SeriesEnded, before: Appointment, part: Appointment) -> Iterator[ChangedOccurrence]:
    """The changed occurrences of the later part, under the identities that they have in the whole series."""
    whole = series_of(before)
    _, second = split(whole, read_when(event.occurrence, "occurrence"))
    known = {new: old for old, new in event.renamed.items()}
    names = renaming(
        series_of(part), whole, [one.occurrence for one in part.changed_occurrences], known, start=second.start
    )
    for one in part.changed_occurrences:
        yield replace(one, occurrence=names.get(one.occurrence, one.occurrence))


def _answered_since(
    people: tuple[Attendee, ...], then: tuple[Attendee, ...], part: tuple[Attendee, ...]
) -> tuple[Attendee, ...]:
    """With what was answered to the later part since the cut."""
    were = {attendee_key(one): one.answer for one in then}
    news = {attendee_key(one): one.answer for one in part if were.get(attendee_key(one)) != one.answer}
    return tuple(replace(one, answer=news.get(attendee_key(one), one.answer)) for one in people)
