"""The content of an appointment: what it is made with, and which of its fields an edit changes."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from msgspec.structs import replace

from sigdep.calendar.commands import EditAppointment, ScheduleAppointment
from sigdep.calendar.domain import fields
from sigdep.calendar.domain.appointment import ABSENT, Appointment, evolve
from sigdep.calendar.domain.fields import attendee_key
from sigdep.calendar.domain.series import (
    check_series,
    moved_recurrence,
    read_rule,
    renaming,
    series_of,
    times_of,
    written,
)
from sigdep.calendar.domain.times import (
    Times,
    after,
    as_days,
    check_year,
    checked,
    default_end,
    moved,
    of_kind,
    read_when,
    write_when,
)
from sigdep.calendar.events.appointments import AppointmentEdited, AppointmentScheduled, Attendee, Recurrence
from sigdep.kernel.errors import Invalid
from sigdep.kernel.messages import UNSET
from sigdep.recurrence.format import format_rule
from sigdep.recurrence.series import EXCLUDED_MAX, EXTRA_MAX, OVERRIDES_MAX, RULES_MAX, When


def scheduled(command: ScheduleAppointment) -> AppointmentScheduled:
    """
    Raises:
        Invalid: a field makes no sense.
    """
    assert command.appointment_id is not None
    assert command.workspace_id is not None
    assert command.calendar_id is not None
    assert command.time_zone is not UNSET
    times = _first_times(command)
    event = AppointmentScheduled(
        appointment_id=command.appointment_id,
        workspace_id=command.workspace_id,
        calendar_id=command.calendar_id,
        uid=str(command.appointment_id) if command.uid is None else fields.uid(command.uid),
        title=fields.title(command.title),
        start=write_when(times.start),
        end=write_when(times.end),
        time_zone=times.zone,
        by=command.by,
        at=command.at,
        description=fields.description(command.description),
        location=fields.location(command.location),
        recurrence=recurrence(command.recurrence),
        attendees=fields.attendees(command.attendees),
        reminders=fields.reminders(command.reminders),
        busy=command.busy,
        status=command.status,
        url=fields.url(command.url),
        color=fields.color(command.color),
        sequence=command.sequence,
        extra_properties=fields.extra_properties(command.extra_properties),
        changed_occurrences=command.changed_occurrences,
    )
    check_recurring(evolve(ABSENT, event))
    return event


def _first_times(command: ScheduleAppointment) -> Times:
    start = read_when(command.start, "/start")
    end = default_end(start) if command.end is None else read_when(command.end, "/end")
    zone = None if command.time_zone is UNSET or command.time_zone is None else fields.time_zone(command.time_zone)
    times = Times(start, end, zone)
    if command.all_day is not None and command.all_day == times.timed:
        detail = "An all-day event starts on a date, as 2026-12-01; any other at a time, as 2026-12-01T09:00:00."
        raise Invalid.at("/start", detail)
    return checked(times)


def check_recurring(appointment: Appointment) -> None:
    """
    Raises:
        Invalid: the recurrence makes no sense, or is too much.
    """
    if len(appointment.changed_occurrences) > OVERRIDES_MAX:
        raise Invalid.at("/changed_occurrences", f"A series may have {OVERRIDES_MAX:,} changed occurrences at most.")
    if appointment.recurrence is not None or appointment.changed_occurrences:
        reminders, attendees = _most(appointment, "reminders"), _most(appointment, "attendees")
        check_series(series_of(appointment), reminders=reminders, people=1 + attendees)


def _most(appointment: Appointment, name: Literal["reminders", "attendees"]) -> int:
    """How many of these the series has, or the one of its occurrences that has the most. E-mail addresses are nobody
    who is reminded."""
    changed = (getattr(one, name) for one in appointment.changed_occurrences)
    lists = (getattr(appointment, name), *(one for one in changed if one is not UNSET))
    return max(sum(getattr(one, "user_id", one) is not None for one in items) for items in lists)


def recurrence(asked: Recurrence | None) -> Recurrence | None:
    """In the form in which it is kept. One that says nothing is none.

    Raises:
        Invalid: a rule or a date makes no sense, or they are too many.
    """
    if asked is None or asked == Recurrence():
        return None
    for name, most in (("rules", RULES_MAX), ("extra_dates", EXTRA_MAX), ("excluded_dates", EXCLUDED_MAX)):
        if len(getattr(asked, name)) > most:
            raise Invalid.at(f"/recurrence/{name}", f"There may be {most:,} at most.")
    return Recurrence(
        rules=tuple(dict.fromkeys(format_rule(read_rule(text, place)) for place, text in enumerate(asked.rules))),
        extra_dates=tuple(
            _extra(text, f"/recurrence/extra_dates/{place}") for place, text in enumerate(asked.extra_dates)
        ),
        excluded_dates=tuple(
            write_when(read_when(text, f"/recurrence/excluded_dates/{place}"))
            for place, text in enumerate(asked.excluded_dates)
        ),
    )


def _extra(text: str, pointer: str) -> str:
    start, slash, duration = text.partition("/")
    when = read_when(start, pointer)
    check_year(when, pointer)
    return write_when(when) + slash + duration


# ── edits ───────────────────────────────────────────────────────────────────────────────────────────────


def cleaned_fields(command: EditAppointment, present: Appointment) -> dict[str, Any]:
    """The fields beside time and recurrence that the command changes, with their new values."""
    changes: dict[str, Any] = {}
    for name, cleaned in _CLEANED.items():
        asked = getattr(command, name)
        if asked is UNSET:
            continue
        value = cleaned(asked)
        if name == "attendees":
            value = with_answers(value, present.attendees)
        if value != getattr(present, name):
            changes[name] = value
    return changes


def with_answers(people: tuple[Attendee, ...], present: tuple[Attendee, ...]) -> tuple[Attendee, ...]:
    """Who was invited before keeps their answer, unless another one is given."""
    known = {attendee_key(one): one.answer for one in present}
    return tuple(
        replace(one, answer=known.get(attendee_key(one), one.answer)) if one.answer == "needs_action" else one
        for one in people
    )


def edited_times(command: EditAppointment, present: Times) -> Times:
    """
    Args:
        present: of what the command speaks of: an occurrence, or the first of the series.

    Raises:
        Invalid: they make no sense together.
    """
    if command.all_day is True and command.start is UNSET and present.timed:
        present = as_days(present)
    start = present.start if command.start is UNSET else read_when(command.start, "/start")
    end = present.end if command.end is UNSET else read_when(command.end, "/end")
    zone = present.zone if command.time_zone is UNSET else command.time_zone
    if zone is not None:
        fields.time_zone(zone)
    times = Times(start, end, zone)
    if command.all_day is not UNSET and command.all_day == times.timed:
        raise Invalid.at("/start", "Say when it starts along with all_day: a date, or a time.")
    return checked(times)


def series_changes(command: EditAppointment, appointment: Appointment, of: Times) -> dict[str, Any]:
    """All that the command changes about a series as a whole.

    Args:
        of: the times that the command's own replace: those of the series, or of one of its occurrences.
    """
    changes = cleaned_fields(command, appointment)
    if command.calendar_id is not UNSET and command.calendar_id != appointment.calendar_id:
        changes["calendar_id"] = command.calendar_id
    present = times_of(appointment)
    asked = edited_times(command, of)
    if asked != of:
        start = _moved_start(present, of, asked)
        times = checked(Times(start, _end_like(start, asked), asked.zone))
        changes |= time_changes(times, present)
    if command.recurrence is not UNSET and (kept := recurrence(command.recurrence)) != appointment.recurrence:
        changes["recurrence"] = kept
    if command.sequence is not UNSET and command.sequence != appointment.sequence:
        changes["sequence"] = command.sequence
    return changes


def _moved_start(series: Times, of: Times, asked: Times) -> When:
    """Where the series starts when one of its occurrences does so at the time that is asked for."""
    if of.start == series.start:
        return asked.start
    return of_kind(moved(series.start, of.start, asked.start), asked.start)


def _end_like(start: When, asked: Times) -> When:
    return asked.end if start == asked.start else after(start, asked.duration, asked.zone)


def time_changes(times: Times, present: Times) -> dict[str, Any]:
    """The fields of the time that differ."""
    changes: dict[str, Any] = {}
    if times.start != present.start:
        changes["start"] = write_when(times.start)
    if times.end != present.end:
        changes["end"] = write_when(times.end)
    if times.zone != present.zone:
        changes["time_zone"] = times.zone
    return changes


def edited(
    appointment: Appointment,
    changes: dict[str, Any],
    command: Any,
    *,
    known: Mapping[str, str] | None = None,
    undoes: int | None = None,
) -> AppointmentEdited | None:
    """The event of the changes: the changed occurrences go along where the series moves. None: there are none.

    Args:
        command: says by whom and when.
        known: identities of changed occurrences that an undone edit had given others.

    Raises:
        Invalid: the series would make no sense.
        OccurrencesCollide
    """
    if not changes:
        return None
    names: dict[str, str] = {}
    if changes.keys() & {"start", "end", "time_zone", "recurrence"}:
        changes, names = _whole(appointment, changes, known or {})
    event = AppointmentEdited(
        appointment_id=appointment.id, by=command.by, at=command.at, renamed=names, undoes=undoes, **changes
    )
    check_recurring(evolve(appointment, event))
    return event


def _whole(
    appointment: Appointment, changes: dict[str, Any], known: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The changes, with what follows from a new time."""
    old = series_of(replace(appointment, changed_occurrences=()))
    moving = replace(appointment, **changes)
    if appointment.recurrence is not None and "recurrence" not in changes:
        kept = moved_recurrence(old, times_of(moving))
        if kept != written(old):
            changes = changes | {"recurrence": kept}
    changes = {"sequence": appointment.sequence + 1} | changes
    new = series_of(replace(appointment, changed_occurrences=(), **changes))
    names = renaming(old, new, [one.occurrence for one in appointment.changed_occurrences], known)
    return changes, names


_CLEANED: Final[dict[str, Callable[[Any], Any]]] = {
    "title": fields.title,
    "description": fields.description,
    "location": fields.location,
    "attendees": fields.attendees,
    "reminders": fields.reminders,
    "busy": lambda busy: busy,
    "status": lambda status: status,
    "url": fields.url,
    "color": fields.color,
    "extra_properties": fields.extra_properties,
}
