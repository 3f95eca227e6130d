"""Two versions that come from one: what each side changed, together; and what both did, told."""

from collections.abc import Hashable, Iterable
from typing import Any, Final, Literal, NamedTuple, TypeVar

from msgspec.structs import replace

from sigdep.calendar.domain.appointment import TIME_FIELDS, WHEN_FIELDS, Appointment
from sigdep.calendar.domain.appointment_content import recurrence as kept_recurrence
from sigdep.calendar.domain.fields import attendee_key
from sigdep.calendar.domain.series import moved_recurrence, series_of, times_of
from sigdep.calendar.domain.times import Times
from sigdep.calendar.events.appointments import Attendee, Recurrence, Reminder

T = TypeVar("T", bound=Hashable)

_NONE: Final = Recurrence()


class Conflict(NamedTuple):
    """Both sides changed the same, and not alike. The other calendar is followed, unless it cannot be."""

    field: str
    here: Any
    there: Any
    taken: Literal["there", "here"] = "there"
    occurrence: str | None = None
    """None: the whole of it."""


def merge_set(base: Iterable[T], there: Iterable[T], here: Iterable[T]) -> tuple[T, ...]:
    """What either has added, without what either has taken away; as the other calendar orders it."""
    were, theirs, ours = dict.fromkeys(base), dict.fromkeys(there), dict.fromkeys(here)
    kept = [one for one in theirs if one in ours or one not in were]
    return (*kept, *(one for one in ours if one not in theirs and one not in were))


# ── attendees ───────────────────────────────────────────────────────────────────────────────────────────


def merge_attendees(
    base: tuple[Attendee, ...], there: tuple[Attendee, ...], here: tuple[Attendee, ...]
) -> tuple[tuple[Attendee, ...], list[Conflict]]:
    """Who was added on either side, without who was removed on either; the answer of each as it was given last."""
    if here == base:
        return there, []
    were, theirs, ours = ({attendee_key(one): one for one in people} for people in (base, there, here))
    merged: list[Attendee] = []
    conflicts: list[Conflict] = []
    for key in merge_set(were, theirs, ours):
        one, conflict = _merge_attendee(were.get(key), theirs.get(key), ours.get(key))
        merged.append(one)
        conflicts += conflict
    for key, one in ours.items():
        if key in were and key not in theirs and one != were[key]:
            conflicts.append(Conflict("attendees", _described(one), None))
    return tuple(merged), conflicts


def _merge_attendee(
    base: Attendee | None, there: Attendee | None, here: Attendee | None
) -> tuple[Attendee, list[Conflict]]:
    if there is None or here is None:
        return _present(there or here), []
    changes: dict[str, Any] = {}
    both = False
    for name in ("name", "role", "answer"):
        was, theirs, ours = (getattr(one, name, None) for one in (base, there, here))
        if theirs in (ours, was) or (base is None and name == "answer" and theirs == "needs_action"):
            continue
        changes[name] = theirs
        both |= ours != was
    told = [Conflict("attendees", _described(here), _described(there))] if both else []
    return replace(here, **changes), told


def _present(one: Attendee | None) -> Attendee:
    assert one is not None
    return one


def _described(one: Attendee) -> str:
    return f"{attendee_key(one)} ({one.answer})"


def merge_reminders(
    base: tuple[Reminder, ...], there: tuple[Reminder, ...], here: tuple[Reminder, ...]
) -> tuple[Reminder, ...]:
    return there if here == base else merge_set(base, there, here)


# ── when it is ──────────────────────────────────────────────────────────────────────────────────────────


def merge_when(base: Appointment, there: Appointment, here: Appointment) -> tuple[dict[str, Any], list[Conflict]]:
    """Start, end, zone and recurrence, which make sense together only. One side may move the series and the other
    change its recurrence: then it has the new recurrence at the new time.

    Raises:
        Invalid: together they make no series.
    """
    was, theirs, ours = map(when_of, (base, there, here))
    if theirs in (was, ours):
        return ours, []
    if ours == was:
        return theirs, []
    times = times_of(here if times_of(there) == times_of(base) else there)
    before, other, own = (_at(one, times) for one in (base, there, here))
    follow_here = other.rules == before.rules
    merged = {name: getattr(there if times == times_of(there) else here, name) for name in TIME_FIELDS}
    merged["recurrence"] = kept_recurrence(
        Recurrence(
            rules=own.rules if follow_here else other.rules,
            extra_dates=merge_set(before.extra_dates, other.extra_dates, own.extra_dates),
            excluded_dates=merge_set(before.excluded_dates, other.excluded_dates, own.excluded_dates),
        )
    )
    lost = [name for name in TIME_FIELDS if ours[name] not in (was[name], merged[name])]
    if not follow_here and own.rules not in (before.rules, other.rules):
        lost.append("recurrence")
    return merged, [Conflict(name, ours[name], theirs[name]) for name in lost]


def when_of(appointment: Appointment) -> dict[str, Any]:
    return {name: getattr(appointment, name) for name in WHEN_FIELDS}


def _at(appointment: Appointment, times: Times) -> Recurrence:
    """The recurrence as it would be if the series were at these times."""
    if appointment.recurrence is None or times_of(appointment) == times:
        return appointment.recurrence or _NONE
    return moved_recurrence(series_of(replace(appointment, changed_occurrences=())), times)
