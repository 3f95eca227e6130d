"""What a reminder decides. That its thing still wants it, and who may snooze it, is made sure of before."""

from datetime import timedelta
from typing import Any, Final

from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Invalid, NotFound, Refused
from sigdep.notifications.commands.reminders import (
    FireReminder,
    ReminderCommand,
    ScheduleReminder,
    SnoozeReminder,
    SuppressReminder,
)
from sigdep.notifications.domain.reminder import ABSENT, CATEGORY, SCHEMA, Reminder, evolve
from sigdep.notifications.events.reminders import (
    ReminderEvent,
    ReminderFired,
    ReminderRescheduled,
    ReminderScheduled,
    ReminderSnoozed,
    ReminderSuppressed,
)

SNOOZED_DAYS_MAX: Final = 366


class ReminderNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("This reminder does not exist, or it is not yours.")


class NothingToSnooze(Refused):
    """Nobody has been reminded yet, or there is nothing to be reminded of any more."""


def decide(command: ReminderCommand, reminder: Reminder) -> list[ReminderEvent]:
    """
    Raises:
        ReminderNotFound, NothingToSnooze, Invalid: it cannot be snoozed, or not until then. Nothing else is refused:
            what has been fired is not fired again, and what is over is not suppressed.
    """
    match command:
        case ScheduleReminder():
            return _schedule(command, reminder)
        case SuppressReminder():
            return _suppress(command, reminder)
        case FireReminder():
            return _fire(command, reminder)
        case SnoozeReminder():
            return _snooze(command, reminder)


def _schedule(command: ScheduleReminder, reminder: Reminder) -> list[ReminderEvent]:
    if reminder.version > 0 and reminder.state == "scheduled":
        if (reminder.due_at, reminder.starts_at) == (command.due_at, command.starts_at):
            return []
        return [
            ReminderRescheduled(
                reminder_id=command.reminder_id,
                due_at=command.due_at,
                starts_at=command.starts_at,
                because=command.because,
                at=command.at,
            )
        ]
    if _has_been_told(reminder) and reminder.due_at == command.due_at:
        return []
    return [
        ReminderScheduled(
            reminder_id=command.reminder_id,
            workspace_id=command.workspace_id,
            thing=command.thing,
            reminder=command.reminder,
            user_id=command.user_id,
            due_at=command.due_at,
            starts_at=command.starts_at,
            because=command.because,
            at=command.at,
        )
    ]


def _has_been_told(reminder: Reminder) -> bool:
    """Their person has heard of it, for the time at which it is due now."""
    return reminder.state == "fired" or reminder.why == "missed"


def _suppress(command: SuppressReminder, reminder: Reminder) -> list[ReminderEvent]:
    if reminder.state != "scheduled":
        return []
    return [
        ReminderSuppressed(
            reminder_id=command.reminder_id,
            why=command.why,
            because=command.because,
            at=command.at,
            notification_id=command.notification_id,
        )
    ]


def _fire(command: FireReminder, reminder: Reminder) -> list[ReminderEvent]:
    if reminder.state != "scheduled" or command.at < reminder.fires_at:
        return []
    return [
        ReminderFired(
            reminder_id=command.reminder_id,
            notification_id=command.notification_id,
            late_seconds=(command.at - reminder.fires_at).total_seconds(),
            at=command.at,
            confirmed=command.confirmed,
        )
    ]


def _snooze(command: SnoozeReminder, reminder: Reminder) -> list[ReminderEvent]:
    if reminder.version == 0 or reminder.user_id != command.by:
        raise ReminderNotFound
    if not command.at < command.until <= command.at + timedelta(days=SNOOZED_DAYS_MAX):
        raise Invalid.at("/until", f"A reminder is snoozed until an instant to come, within {SNOOZED_DAYS_MAX} days.")
    if reminder.fired_at is None or reminder.state == "suppressed":
        raise NothingToSnooze("You have not been reminded yet, or the thing is over: there is nothing to snooze.")
    if reminder.snoozed_until == command.until:
        return []
    return [ReminderSnoozed(reminder_id=command.reminder_id, until=command.until, at=command.at)]


REMINDER: Final = Decider[Any, Reminder](category=CATEGORY, initial=ABSENT, decide=decide, evolve=evolve, schema=SCHEMA)
