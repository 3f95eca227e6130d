"""A reminder whose time has come: its person is told, or the reminder says why not, in one append."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sigdep.contracts.ids import UserId
from sigdep.contracts.reminding import DUE
from sigdep.kernel.errors import Unavailable
from sigdep.notifications.commands.reminders import FireReminder, ScheduleReminder, SuppressReminder
from sigdep.notifications.domain.notification import notification_id
from sigdep.notifications.domain.preferences import told_at
from sigdep.notifications.domain.reminder import Reminder
from sigdep.notifications.domain.reminder_decisions import decide
from sigdep.notifications.domain.telling import News
from sigdep.notifications.events.inbox import ThingKind
from sigdep.notifications.events.reminders import ReminderFired, ReminderId, Suppression
from sigdep.notifications.writing.attempt import Attempt
from sigdep.notifications.writing.owners import CONFIRM_SECONDS_MAX, Confirmed, Owners
from sigdep.notifications.writing.telling import tell_person

LATE: Final = timedelta(minutes=1)
"""A reminder that comes later than this says so."""

MISSED: Final = timedelta(days=1)
"""What comes later than this is no reminder any more: it is told in a summary."""

TITLES_MAX: Final = 10
"""That a summary names."""

_PATHS: Final[Mapping[ThingKind, str]] = {"task": "/tasks", "appointment": "/events", "webhook": "/webhooks"}
"""Where things are to be seen."""

TIME: Final = "due"
PREFERENCES: Final = "preferences"
"""What led to an event."""


async def fire(attempt: Attempt, owners: Owners, one: ReminderId, title: str, at: datetime) -> ReminderFired | None:
    """Record that its person is told, with all that goes out to them; or why they are not.

    Args:
        title: of the thing, where its owner cannot be asked.

    Returns:
        What was recorded. None: it is not due (any more), or somebody else has been faster.
    """
    reminder = await attempt.unit.load(attempt.around.reminders, one)
    if reminder.state != "scheduled" or at < reminder.fires_at:
        return None
    if await _is_stranger(attempt, reminder.user_id):
        _suppress(attempt, reminder, "not_a_member", at)
        return None
    if await _is_put_off(attempt, reminder, at):
        return None
    said = await owners.confirm(reminder)
    if said is False:
        _suppress(attempt, reminder, "not_due", at)
        return None
    news = _news(reminder, said if isinstance(said, str) else title, at)
    command = FireReminder(
        reminder_id=one,
        notification_id=notification_id(news.key, reminder.user_id),
        confirmed=said is not None,
        at=at,
    )
    events = decide(command, reminder)
    attempt.record(attempt.around.reminders, one, events)
    await tell_person(attempt, news, reminder.user_id)
    (fired,) = events
    return fired if isinstance(fired, ReminderFired) else None


async def _is_put_off(attempt: Attempt, reminder: Reminder, at: datetime) -> bool:
    """Record what its person wants now, if that is no more to hear of what is due soon, or to hear of it later."""
    if reminder.reminder != DUE:
        return False
    if await _is_unwanted(attempt, reminder):
        _suppress(attempt, reminder, "unwanted", at)
        return True
    later = told_at(await attempt.around.wishes_of(reminder.user_id), reminder.starts_at)
    if reminder.snoozed_until is not None or later <= at:
        return False
    command = ScheduleReminder(
        reminder_id=reminder.id,
        workspace_id=reminder.workspace_id,
        thing=reminder.thing,
        reminder=reminder.reminder,
        user_id=reminder.user_id,
        due_at=later,
        starts_at=reminder.starts_at,
        because=PREFERENCES,
        at=at,
    )
    attempt.record(attempt.around.reminders, reminder.id, decide(command, reminder))
    return True


async def _is_unwanted(attempt: Attempt, reminder: Reminder) -> bool:
    return reminder.reminder == DUE and (await attempt.around.wishes_of(reminder.user_id)).due_soon is None


def _news(reminder: Reminder, title: str, at: datetime) -> News:
    late = at - reminder.fires_at
    return News(
        workspace_id=reminder.workspace_id,
        kind="task.due_soon" if reminder.reminder == DUE else "reminder",
        title=title,
        # Of this time that it is due, and of no other: moved or snoozed it is told again.
        key=f"reminder {reminder.id} {reminder.fires_at.isoformat()}",
        occurred_at=reminder.fires_at,
        body=f"This reminder is late by {lateness(late)}." if late > LATE else "",
        thing=reminder.thing,
        link=f"{_PATHS[reminder.thing.kind]}/{reminder.thing.id}",
    )


def lateness(late: timedelta) -> str:
    minutes = round(late / timedelta(minutes=1))
    if minutes < 60:
        return f"{minutes} minutes" if minutes != 1 else "1 minute"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


async def summarise(
    attempt: Attempt, owners: Owners, user_id: UserId, missed: Sequence[tuple[ReminderId, str]], at: datetime
) -> None:
    """Record that one person is told of all that they have missed in a workspace, with one notification.

    Args:
        missed: the reminders, with the titles of their things.
    """
    reminders = [(await attempt.unit.load(attempt.around.reminders, one), title) for one, title in missed]
    due = [(one, title) for one, title in reminders if one.state == "scheduled" and one.fires_at <= at - MISSED]
    is_stranger = await _is_stranger(attempt, user_id)
    told = list[tuple[Reminder, str]]()
    for reminder, title in due:
        if await _is_unwanted(attempt, reminder):
            _suppress(attempt, reminder, "unwanted", at)
            continue
        said: Confirmed = False if is_stranger else await owners.confirm(reminder)
        if said is False:
            _suppress(attempt, reminder, "not_a_member" if is_stranger else "not_due", at)
        else:
            told.append((reminder, said if isinstance(said, str) else title))
    if not told:
        return
    news = _summary(told, at)
    for reminder, _ in told:
        command = SuppressReminder(
            reminder_id=reminder.id,
            why="missed",
            because=TIME,
            at=at,
            notification_id=notification_id(news.key, user_id),
        )
        attempt.record(attempt.around.reminders, reminder.id, decide(command, reminder))
    await tell_person(attempt, news, user_id)


def _summary(told: Sequence[tuple[Reminder, str]], at: datetime) -> News:
    first = told[0][0]
    count = len(told)
    lines = [f"{reminder.fires_at:%Y-%m-%d %H:%M} UTC: {title}" for reminder, title in told[:TITLES_MAX]]
    if count > TITLES_MAX:
        lines.append(f"and {count - TITLES_MAX} more")
    return News(
        workspace_id=first.workspace_id,
        kind="reminders.missed",
        title="You have missed a reminder" if count == 1 else f"You have missed {count} reminders",
        key=f"missed {first.id} {first.version} {at.isoformat()}",
        occurred_at=at,
        body="\n".join(lines),
    )


def _suppress(attempt: Attempt, reminder: Reminder, why: Suppression, at: datetime) -> None:
    command = SuppressReminder(reminder_id=reminder.id, why=why, because=TIME, at=at)
    attempt.record(attempt.around.reminders, reminder.id, decide(command, reminder))


async def _is_stranger(attempt: Attempt, user_id: UserId) -> bool:
    """Where nobody can be asked: by what has been heard of those who have left."""
    around = attempt.around
    try:
        async with asyncio.timeout(CONFIRM_SECONDS_MAX):
            return user_id in await around.members.are_members(attempt.workspace, (user_id,))
    except (TimeoutError, Unavailable):
        return user_id in (await attempt.unit.load(around.workspaces, attempt.workspace)).left
