"""The edits in the past of an appointment: which of them can be taken back, and what stands in the way."""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Any, NamedTuple, TypeAlias

from msgspec.structs import replace

from sigdep.calendar.domain.appointment import (
    ABSENT,
    Appointment,
    evolve,
)
from sigdep.calendar.events.appointments import (
    AppointmentEdited,
    AppointmentEvent,
    AppointmentJoined,
    AppointmentRestored,
    AppointmentTrashed,
    Attendee,
    OccurrenceCancelled,
    OccurrenceEdited,
    OccurrenceRestored,
    SeriesEnded,
)
from sigdep.kernel.errors import Refused
from sigdep.kernel.messages import UNSET

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
    undone = set(_taken_back(past))
    if version is not None:
        event = dict(past).get(version)
        if not isinstance(event, Undoable):
            raise NothingToUndo(f"Version {version} of this event is no edit that can be undone.")
        return None if version in undone else Edit(version, event)
    for number, event in reversed(past):
        if isinstance(event, Undoable) and event_undoes(event) is None and number not in undone:
            return Edit(number, event)
    raise NothingToUndo("There is no edit of this event that can be undone.")


def _taken_back(past: Past) -> Iterator[int]:
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


def fold(events: Iterable[AppointmentEvent]) -> Appointment:
    return reduce(evolve, events, ABSENT)


def expect_unchanged(names: Iterable[str], left: Any, now: Any) -> None:
    for name in sorted(names):
        were, are = getattr(left, name), getattr(now, name)
        if name == "attendees" and were is not UNSET and are is not UNSET:
            were, are = unanswered(were), unanswered(are)  # Answers are no edits.
        if were != are:
            raise ChangedSince(f"{name} was changed again since. Undo that edit first.")


def unanswered(people: tuple[Attendee, ...]) -> tuple[Attendee, ...]:
    return tuple(replace(one, answer="needs_action") for one in people)
