"""A series from another calendar that goes on otherwise from some occurrences on: it is cut there, as if people had."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from sigdep.calendar.commands import EditAppointment, RemoveAppointment, ScheduleAppointment
from sigdep.calendar.domain import appointment_content as content
from sigdep.calendar.domain.appointment import ABSENT, Appointment, evolve
from sigdep.calendar.domain.cutting import cut
from sigdep.calendar.domain.series import moved_rule, series_of, times_of, written
from sigdep.calendar.domain.times import Times, moved, read_when, write_when
from sigdep.calendar.events.appointments import AppointmentEvent, ChangedOccurrence, Recurrence
from sigdep.contracts.ids import AppointmentId
from sigdep.kernel.errors import Invalid
from sigdep.recurrence.expansion import midnight
from sigdep.recurrence.occurrences import Span, occurrences
from sigdep.recurrence.rule import WEEKDAYS, Rule, Weekday
from sigdep.recurrence.series import Series
from sigdep.recurrence.split import split
from sigdep.recurrence.zones import EARLIEST

COMPARED: Final = 500
"""Occurrences of the parts and of the series that they were."""


class LaterPart(Struct, frozen=True, kw_only=True):
    """From one occurrence on."""

    original: str
    """The start that the first part would give the occurrence, were it not cut."""
    fields: dict[str, Any] | None
    """None: there is none."""
    changed: tuple[ChangedOccurrence, ...]
    """Under the identities that they have in this part."""

    @property
    def begins(self) -> str:
        """The start that the part has of its own."""
        return self.original if self.fields is None else str(self.fields["start"])


Part = tuple[AppointmentId, list[AppointmentEvent]]


def parted(schedule: ScheduleAppointment, later: Sequence[LaterPart], meant: Series | None) -> list[Part]:
    """The events of each part.

    Args:
        meant: the series as it was; the parts have its occurrences, or are refused. None: that has been made sure of.

    Raises:
        Invalid: a part makes no sense, or together they are another series.
        OccurrenceNotFound, CannotSplit
    """
    first = content.scheduled(schedule)
    parts: list[Part] = [(first.appointment_id, [first])]
    states = [evolve(ABSENT, first)]
    before = begun = states[0].start
    for one in later:
        occurrence = name_moved(one.original, before, begun)
        ended, part = cut(cut_command(one, occurrence, states[-1], schedule), states[-1])
        before, begun = one.original, one.begins
        parts[-1][1].append(ended)
        states[-1] = evolve(states[-1], ended)
        if part is not None:
            part = replace(part, changed_occurrences=one.changed)
            parts.append((part.appointment_id, [part]))
            states.append(evolve(ABSENT, part))
    for state in states:
        content.check_recurring(state)
    if meant is not None and list(_times(*map(series_of, states))) != list(_times(meant)):
        raise Invalid("Its rule cannot begin anew where RANGE=THISANDFUTURE changes it: make two series of it.")
    return parts


def name_moved(name: str, old: str, new: str) -> str:
    """The identity as far from the new start as it was from the old one."""
    return name if old == new else write_when(moved(*(read_when(one, "/occurrence") for one in (name, old, new))))


def _times(*several: Series) -> Iterator[tuple[datetime, datetime]]:
    found = ([(one.starts_at, one.ends_at) for one in _some(series)] for series in several)
    return islice(merge(*found), COMPARED)


def _some(series: Series) -> Iterator[Any]:
    return islice(occurrences(series, Span(EARLIEST)), COMPARED)


def cut_command(
    one: LaterPart, occurrence: str, state: Appointment, schedule: ScheduleAppointment
) -> EditAppointment | RemoveAppointment:
    about: dict[str, Any] = {
        "appointment_id": state.id,
        "by": schedule.by,
        "at": schedule.at,
        "scope": "following",
        "occurrence": occurrence,
    }
    if one.fields is None:
        return RemoveAppointment(**about)
    recurrence = _moved_along(series_of(state), occurrence, times_of(replace(state, **one.fields)))
    return EditAppointment(**about, **one.fields, recurrence=recurrence)


def _moved_along(series: Series, occurrence: str, times: Times) -> Recurrence:
    """What is left of the series, as far away as its first occurrence is: all that follows goes along."""
    original = read_when(occurrence, "/occurrence")
    later = series if original == series.start else split(series, original)[1]
    days = (midnight(times.start).date() - midnight(original).date()).days
    return written(
        replace(
            later,
            start=times.start,
            zone=times.zone,
            duration=times.duration,
            rules=tuple(moved_rule(_turned(rule, days), replace(later, overrides=()), times) for rule in later.rules),
            extra=tuple(replace(one, start=moved(one.start, original, times.start)) for one in later.extra),
            excluded=tuple(moved(one, original, times.start) for one in later.excluded),
            overrides=(),
        )
    )


def _turned(rule: Rule, days: int) -> Rule:
    """Its days of the week, so many days later; the week begins as much later, too."""
    if rule.frequency != "WEEKLY":
        return rule
    by_day = tuple(replace(one, weekday=_later(one.weekday, days)) for one in rule.by_day)
    return replace(rule, by_day=by_day, week_start=_later(rule.week_start, days))


def _later(weekday: Weekday, days: int) -> Weekday:
    return WEEKDAYS[(WEEKDAYS.index(weekday) + days) % len(WEEKDAYS)]
