"""What has happened to reminders, and what the owner of a thing has said of them.

Streams `reminder-<reminder id>` and `schedule-<thing id>`, in the workspace of the thing. Instants are UTC.
"""

from datetime import datetime
from typing import Literal, NewType
from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Event
from sigdep.notifications.events.inbox import NotificationId, Thing

ReminderId = NewType("ReminderId", UUID)
"""Made of the thing, its occurrence, which of its reminders, and the person."""

Suppression = Literal[
    "done", "cancelled", "removed", "declined", "changed", "not_due", "not_a_member", "missed", "unwanted"
]
"""Why somebody was not reminded. `changed`: the thing has been, and has no such reminder for this person any more.
`not_due`: when it was time, its owner said so. `missed`: it was found a day late or more, and told in a summary.
`unwanted`: its person wants to hear nothing of tasks that are due soon."""


class ReminderScheduled(Event, omit_defaults=True):
    """One person is to be reminded of one occurrence. Again: what had been fired or suppressed has a new time."""

    reminder_id: ReminderId
    workspace_id: WorkspaceId
    thing: Thing
    reminder: str
    """Which of the thing's reminders: `PT10M` before, an instant, or `due`: as long before as its person wants."""
    user_id: UserId
    due_at: datetime
    starts_at: datetime
    """What it reminds of."""
    because: str
    """What led to it: the type of a public event, `horizon`, `zones`, or `preferences`."""
    at: datetime


class ReminderRescheduled(Event):
    """It is due at another time."""

    reminder_id: ReminderId
    due_at: datetime
    starts_at: datetime
    because: str
    at: datetime


class ReminderSnoozed(Event):
    """It has been fired, and its person wants to be reminded again."""

    reminder_id: ReminderId
    until: datetime
    at: datetime


class ReminderSuppressed(Event, omit_defaults=True):
    reminder_id: ReminderId
    why: Suppression
    because: str
    at: datetime
    notification_id: NotificationId | None = None
    """The summary that tells of it."""


class ReminderFired(Event, omit_defaults=True):
    """Stored together with the notification, and with what goes out of it."""

    reminder_id: ReminderId
    notification_id: NotificationId
    late_seconds: float
    """After the time for which it was due, or snoozed."""
    at: datetime
    confirmed: bool = True
    """The thing's owner said just before that it is due. False: it could not be asked."""


ReminderEvent = ReminderScheduled | ReminderRescheduled | ReminderSnoozed | ReminderSuppressed | ReminderFired


class ScheduledTime(Struct, frozen=True, kw_only=True):
    """One reminder of one person, as it is known at present."""

    reminder_id: ReminderId
    due_at: datetime


class ScheduleChanged(Event, omit_defaults=True):
    """Stored together with what it led to on the streams of the reminders."""

    workspace_id: WorkspaceId
    thing: Thing
    title: str
    known_until: datetime
    """Until then everything is scheduled."""
    continues: bool
    """There may be more from then on."""
    zones: str
    """The edition of the time-zone data by which it was reckoned."""
    because: str
    at: datetime
    planned: tuple[ScheduledTime, ...] = ()
    """New, or at a new time."""
    dropped: tuple[ReminderId, ...] = ()
    """Suppressed, or over."""
