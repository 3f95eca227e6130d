"""Putting a reminder off that has come: it comes again, unless its thing is over by then."""

from sigdep.notifications.commands.reminders import NoteSchedule, SnoozeReminder
from sigdep.notifications.domain import schedule
from sigdep.notifications.domain.reminder_decisions import decide
from sigdep.notifications.events.reminders import ReminderId, ScheduledTime
from sigdep.notifications.writing.attempt import Attempt

SNOOZED: str = "snoozed"


async def snooze(attempt: Attempt, command: SnoozeReminder) -> ReminderId:
    """
    Raises:
        Stale, and what deciding raises.
    """
    around, one = attempt.around, command.reminder_id
    reminder = await attempt.unit.load(around.reminders, one)
    attempt.match(around.reminders, one, reminder.version)
    events = decide(command, reminder)
    attempt.record(around.reminders, one, events)
    known = await attempt.unit.load(around.schedules, reminder.thing.id)
    if events and one not in known.times:
        # Whoever hears that the thing is done looks there for what still has to be suppressed.
        note = NoteSchedule(
            workspace_id=known.workspace_id,
            thing=known.thing,
            title=known.title,
            known_until=known.known_until,
            continues=known.continues,
            zones=known.zones,
            because=SNOOZED,
            at=command.at,
            planned=(ScheduledTime(reminder_id=one, due_at=reminder.due_at),),
        )
        attempt.record(around.schedules, reminder.thing.id, schedule.decide(note, known))
    return one
