"""Answers whoever reminds: which reminders of an appointment are due when, and whom they are for."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Final

import msgspec

from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.calendar import Calendar
from sigdep.calendar.domain.times import known_when
from sigdep.calendar.events.appointments import Reminder
from sigdep.calendar.read_models.calendars import CALENDARS
from sigdep.calendar.read_service.expanding import Found, Ready, ready
from sigdep.calendar.read_service.single import Single
from sigdep.calendar.read_service.things import APPOINTMENT
from sigdep.contracts.ids import UserId
from sigdep.contracts.reminding import DueReminder, FindReminders, ThingReminders
from sigdep.kernel.errors import Invalid
from sigdep.reading.sources import Sources
from sigdep.recurrence.budget import RuleTooCostly
from sigdep.recurrence.duration import Duration, before, parse_duration
from sigdep.recurrence.expansion import midnight
from sigdep.recurrence.zones import shift, to_instant, zone_named
from sigdep.rpc.call import Answer, Call

REMINDERS_MAX: Final = 1_000
"""In one answer."""

_CLOCKS_CHANGE: Final = timedelta(days=1)
"""A day before may be an hour more or less than a day."""

_decode_appointment: Final = msgspec.json.Decoder(Appointment).decode
_decode_calendar: Final = msgspec.json.Decoder(Calendar).decode


class Reminding:
    """Answers on behalf of nobody: no route leads here."""

    def __init__(self, sources: Sources, single: Single) -> None:
        self._sources = sources
        self._single = single

    async def find(self, query: FindReminders, _call: Call) -> Answer[ThingReminders]:
        """
        Raises:
            NotFound: there is no such appointment.
        """
        found = await self._single.state(APPOINTMENT, query.thing_id)
        appointment = _decode_appointment(found.value.json)
        due: list[DueReminder] = []
        until = query.until
        zone = await self._zone(appointment)
        if zone is not None:
            due = _all_due(appointment, query, zone)
            if len(due) > REMINDERS_MAX:
                until = due[REMINDERS_MAX].due_at
                due = [one for one in due[:REMINDERS_MAX] if one.due_at < until]
        return Answer(
            value=ThingReminders(
                workspace_id=appointment.workspace_id,
                title=appointment.title,
                due=tuple(due),
                complete_until=until,
                continues=until < query.until or _may_follow(appointment, query.until, is_hidden=zone is None),
            ),
            position=found.position,
        )

    async def _zone(self, appointment: Appointment) -> str | None:
        """From where days and floating times are seen. None: nobody is to be reminded."""
        if appointment.trashed_at is not None:
            return None
        model = self._sources.progress.model_id
        row = await self._sources.store.get(model, CALENDARS, (appointment.calendar_id,), ("hidden", "document"))
        if row is None:  # It has only just been made, together with the appointment.
            return appointment.time_zone or "UTC"
        document = row["document"]
        assert isinstance(document, bytes)
        return None if row["hidden"] else _decode_calendar(document).time_zone


def _may_follow(appointment: Appointment, until: datetime, *, is_hidden: bool) -> bool:
    """Whether anything may be due from then on, as long as the appointment stays as it is."""
    if appointment.trashed_at is not None:
        return False
    if appointment.recurrence is not None or (is_hidden and appointment.reminders):
        return True
    starts_later = appointment.start[:10] >= (until - 2 * _CLOCKS_CHANGE).date().isoformat()
    return any(starts_later if one.at is None else one.at >= until for one in appointment.reminders)


def _all_due(appointment: Appointment, query: FindReminders, zone: str) -> list[DueReminder]:
    """In order, at most one more than an answer takes."""
    try:
        one = ready(appointment)
        found = [*_before(one, query, zone), *_at(one, query, zone)]
    except (Invalid, RuleTooCostly):
        return []
    return sorted(found, key=lambda due: (due.due_at, due.occurrence, due.reminder))


def _before(one: Ready, query: FindReminders, zone: str) -> Iterator[DueReminder]:
    """Those of each occurrence, as early as its reminders say."""
    longest = max((_at_most(reminder) for reminder in _all_reminders(one)), default=None)
    if longest is None:
        return
    latest = shift(query.until, longest + _CLOCKS_CHANGE)
    occurrences = (found for found in one.within(query.since, latest, zone) if found.starts_at >= query.since)
    for found in islice(occurrences, REMINDERS_MAX + 1):
        shown = found.as_it_is
        for reminder in shown.reminders:
            if reminder.before is None or shown.status == "cancelled":
                continue
            due_at = before(found.starts_at, parse_duration(reminder.before), zone_named(found.zone or zone))
            if query.since <= due_at < query.until:
                yield _due(found, reminder.before, due_at, shown)


def _at(one: Ready, query: FindReminders, zone: str) -> Iterator[DueReminder]:
    """Those at an instant: each once, whatever the series."""
    appointment = one.appointment
    asked = [reminder.at for reminder in appointment.reminders if reminder.at is not None]
    first = next(one.within(datetime.min.replace(tzinfo=UTC), None, zone), None) if asked else None
    if first is None or appointment.status == "cancelled":
        return
    for at in asked:
        if query.since <= at < query.until:
            text = at.isoformat().replace("+00:00", "Z")
            yield DueReminder(reminder=text, due_at=at, starts_at=first.starts_at, recipients=recipients(appointment))


def _all_reminders(one: Ready) -> Iterator[Reminder]:
    yield from one.appointment.reminders
    for changed in one.changed.values():
        if isinstance(changed.reminders, tuple):
            yield from changed.reminders


def _at_most(reminder: Reminder) -> timedelta:
    duration = parse_duration(reminder.before) if reminder.before is not None else Duration()
    return timedelta(days=duration.days, seconds=duration.seconds)


def _due(found: Found, reminder: str, due_at: datetime, shown: Appointment) -> DueReminder:
    return DueReminder(
        reminder=reminder,
        occurrence=_name(found),
        due_at=due_at,
        starts_at=found.starts_at,
        recipients=recipients(shown),
    )


def _name(found: Found) -> str:
    """The original start in UTC, or the date."""
    when = None if found.original is None else known_when(found.original)
    if when is None:
        return ""
    if isinstance(when, datetime):
        instant = to_instant(midnight(when), zone_named(found.of.appointment.time_zone or "UTC"))
        return instant.isoformat().replace("+00:00", "Z")
    assert isinstance(when, date)
    return when.isoformat()


def recipients(appointment: Appointment) -> tuple[UserId, ...]:
    """Whoever made it, and every user who is invited; but for those who have declined."""
    declined = {one.user_id for one in appointment.attendees if one.answer == "declined"}
    people = dict.fromkeys(
        (appointment.created_by, *(one.user_id for one in appointment.attendees if one.user_id is not None))
    )
    return tuple(one for one in people if one not in declined)
