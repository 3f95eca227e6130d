"""What is asked of reminders.

`by` and `at` are stamped at the edge, from the call.
"""

from datetime import datetime

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Command
from sigdep.notifications.events.inbox import NotificationId, Thing
from sigdep.notifications.events.reminders import ReminderId, ScheduledTime, Suppression


class ScheduleThing(Command):
    """Ask a thing's owner what it reminds of, and schedule that. Asked by nobody but reactions and jobs."""

    workspace_id: WorkspaceId
    thing: Thing
    because: str
    """The type of the public event, `horizon`, `zones`, or `preferences`."""
    since: datetime
    """What was due before is not scheduled any more: it was over when it was asked for."""
    at: datetime


class ScheduleReminder(Command):
    reminder_id: ReminderId
    workspace_id: WorkspaceId
    thing: Thing
    reminder: str
    user_id: UserId
    due_at: datetime
    starts_at: datetime
    because: str
    at: datetime


class SuppressReminder(Command):
    reminder_id: ReminderId
    why: Suppression
    because: str
    at: datetime
    notification_id: NotificationId | None = None


class FireReminder(Command):
    reminder_id: ReminderId
    notification_id: NotificationId
    confirmed: bool
    at: datetime


class SnoozeReminder(Command):
    reminder_id: ReminderId
    until: datetime
    by: UserId
    at: datetime


ReminderCommand = ScheduleReminder | SuppressReminder | FireReminder | SnoozeReminder


class NoteSchedule(Command):
    """What the owner has said of a thing, and what follows for what was known of it."""

    workspace_id: WorkspaceId
    thing: Thing
    title: str
    known_until: datetime
    continues: bool
    zones: str
    because: str
    at: datetime
    planned: tuple[ScheduledTime, ...] = ()
    dropped: tuple[ReminderId, ...] = ()
