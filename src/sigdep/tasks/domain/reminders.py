"""When somebody is to be reminded of a task."""

from collections.abc import Iterator
from datetime import datetime, time
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from sigdep.contracts.reminding import DUE
from sigdep.kernel.errors import Invalid
from sigdep.recurrence.duration import InvalidDuration, before, format_duration, parse_duration
from sigdep.recurrence.zones import to_instant
from sigdep.tasks.domain import fields
from sigdep.tasks.domain.schedule import zone_of
from sigdep.tasks.domain.task import Task
from sigdep.tasks.events.tasks import TaskReminder

REMINDERS_MAX: Final = 20
MORNING: Final = time(9)
"""When what is due on a date begins, for those who want to be reminded of it."""


class Due(NamedTuple):
    """One reminder of a task."""

    reminder: str
    """`PT10M`, the instant, or DUE."""
    due_at: datetime
    starts_at: datetime
    """What it reminds of."""


def reminders(asked: tuple[TaskReminder, ...]) -> tuple[TaskReminder, ...]:
    """The same in one way of writing, each once.

    Raises:
        Invalid: one says no time or two, or a duration that is none; or there are too many.
    """
    if not asked:
        return ()
    cleaned = [_reminder(one, f"/reminders/{place}") for place, one in enumerate(asked[: REMINDERS_MAX + 1])]
    return fields.each_once(cleaned if len(asked) <= REMINDERS_MAX else asked, REMINDERS_MAX, "/reminders", "reminders")


def _reminder(asked: TaskReminder, pointer: str) -> TaskReminder:
    if (asked.at is None) == (asked.before is None):
        raise Invalid.at(pointer, "A reminder says when in one way: at, or before.")
    if asked.before is None:
        return replace(asked, at=fields.instant(asked.at, f"{pointer}/at"))
    try:
        return replace(asked, before=format_duration(parse_duration(asked.before)))
    except InvalidDuration as error:
        raise Invalid.at(f"{pointer}/before", error.detail) from None


def due_reminders(task: Task) -> Iterator[Due]:
    """When each of a task's reminders is due, in no order.

    What is counted `before` counts from when the task is due, else from when it is scheduled, else from the morning
    of the date that it is due on. Where there is none of these, it has no time. A task that has no reminders and is to
    be done by some time has one: when it is due.
    """
    due_at = _due(task)
    if due_at is not None and not task.reminders:
        yield Due(DUE, due_at, due_at)
    starts_at = task.due_at or task.scheduled_at or due_at
    for reminder in task.reminders:
        if reminder.at is not None:
            yield Due(str(msgspec.to_builtins(reminder.at)), reminder.at, starts_at or reminder.at)
        elif reminder.before is not None and starts_at is not None:
            yield Due(reminder.before, before(starts_at, parse_duration(reminder.before), zone_of(task)), starts_at)


def is_due_soon_told(task: Task) -> bool:
    """Whether people are told that it is due soon, as it does not say by itself when to remind them."""
    return not task.reminders and (task.due_at is not None or task.due_on is not None)


def _due(task: Task) -> datetime | None:
    if task.due_at is not None or task.due_on is None:
        return task.due_at
    return to_instant(datetime.combine(task.due_on, MORNING), zone_of(task))
