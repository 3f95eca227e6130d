"""Reminders and VALARMs, one from the other."""

from sigdep.calendar.domain.fields import REMINDERS_MAX
from sigdep.calendar.events.appointments import Reminder
from sigdep.ical.model import Alarm
from sigdep.recurrence.duration import format_duration, parse_duration


def reminder_of(alarm: Alarm) -> Reminder | None:
    """None for one that we could not do: after the start, or by the end."""
    if alarm.at is not None:
        return Reminder(at=alarm.at)
    if alarm.trigger is None or alarm.after or alarm.related != "START":
        return None
    return Reminder(before=format_duration(alarm.trigger))


def reminders_of(alarms: tuple[Alarm, ...]) -> tuple[Reminder, ...]:
    found = dict.fromkeys(one for alarm in alarms if (one := reminder_of(alarm)) is not None)
    return tuple(found)[:REMINDERS_MAX]


def alarm_of(reminder: Reminder) -> Alarm:
    if reminder.at is not None:
        return Alarm(action="DISPLAY", at=reminder.at)
    assert reminder.before is not None
    return Alarm(action="DISPLAY", trigger=parse_duration(reminder.before))


def says_more(alarm: Alarm) -> bool:
    """Whether something would be lost of it as a reminder of ours."""
    reminder = reminder_of(alarm)
    return reminder is None or alarm_of(reminder) != alarm


def is_strange(alarm: Alarm) -> bool:
    return reminder_of(alarm) is None


def with_kept(reminders: tuple[Reminder, ...], kept: tuple[Alarm, ...]) -> tuple[Alarm, ...]:
    """The reminders as they are now, as they came where they did; then those alarms that are none of ours."""
    known = {one: alarm for alarm in reversed(kept) if (one := reminder_of(alarm)) is not None}
    shown = [known.get(one) or alarm_of(one) for one in reminders]
    return (*shown, *(alarm for alarm in kept if is_strange(alarm)))
