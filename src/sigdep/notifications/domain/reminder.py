"""What a reminder is, of one occurrence for one person, and how each event changes it."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from msgspec.structs import replace

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import State
from sigdep.notifications.events.inbox import NotificationId, Thing
from sigdep.notifications.events.reminders import (
    ReminderEvent,
    ReminderFired,
    ReminderId,
    ReminderRescheduled,
    ReminderScheduled,
    ReminderSnoozed,
    ReminderSuppressed,
    Suppression,
)
from sigdep.notifications.queries.reminders import ReminderState

CATEGORY: Final = "reminder"

SCHEMA: Final = "reminder-1"
"""Names the shape of `Reminder`: raise it with every change, or old snapshots are taken for new ones."""

_REMINDERS: Final = UUID("7a9c6c2e-7f0f-5c5b-9f0e-0e7a4c5f1d11")
"""Namespace (RFC 9562 §5.5)."""


class Reminder(State):
    """A reminder: what deciding remembers, and what read models keep, in one shape."""

    id: ReminderId
    workspace_id: WorkspaceId
    user_id: UserId
    thing: Thing
    reminder: str
    """Which of the thing's reminders: `PT10M` before, an instant, or `due`: as long before as its person wants."""
    state: ReminderState
    due_at: datetime
    starts_at: datetime
    """What it reminds of."""
    snoozed_until: datetime | None
    fired_at: datetime | None
    """When its person was reminded last."""
    late_seconds: float | None
    why: Suppression | None
    """Of a suppressed one."""
    notification_id: NotificationId | None
    """What its person was told last."""
    version: int
    """Grows with every event. 0: it does not exist."""

    @property
    def fires_at(self) -> datetime:
        return self.snoozed_until or self.due_at


_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

ABSENT: Final = Reminder(
    id=ReminderId(_NOBODY),
    workspace_id=WorkspaceId(_NOBODY),
    user_id=UserId(_NOBODY),
    thing=Thing(kind="task", id=_NOBODY),
    reminder="",
    state="suppressed",
    due_at=_NEVER,
    starts_at=_NEVER,
    snoozed_until=None,
    fired_at=None,
    late_seconds=None,
    why=None,
    notification_id=None,
    version=0,
)
"""A reminder that does not exist."""


def reminder_id(thing: Thing, reminder: str, user_id: UserId) -> ReminderId:
    """The same each time that the thing's owner is asked."""
    occurrence = thing.occurrence or ""
    return ReminderId(uuid5(_REMINDERS, f"{thing.kind}|{thing.id}|{occurrence}|{reminder}|{user_id}"))


def evolve(reminder: Reminder, event: ReminderEvent) -> Reminder:
    """The reminder after the event. Never raises: what is in the log has happened."""
    version = reminder.version + 1
    match event:
        case ReminderScheduled():
            return _scheduled(reminder, event, version)
        case ReminderRescheduled():
            return replace(
                reminder, due_at=event.due_at, starts_at=event.starts_at, snoozed_until=None, version=version
            )
        case ReminderSnoozed():
            return replace(reminder, state="scheduled", snoozed_until=event.until, version=version)
        case ReminderSuppressed():
            told = event.notification_id or reminder.notification_id
            return replace(reminder, state="suppressed", why=event.why, notification_id=told, version=version)
        case ReminderFired():
            return replace(
                reminder,
                state="fired",
                fired_at=event.at,
                late_seconds=event.late_seconds,
                notification_id=event.notification_id,
                snoozed_until=None,
                why=None,
                version=version,
            )


def _scheduled(before: Reminder, event: ReminderScheduled, version: int) -> Reminder:
    return replace(
        before,
        id=event.reminder_id,
        workspace_id=event.workspace_id,
        user_id=event.user_id,
        thing=event.thing,
        reminder=event.reminder,
        state="scheduled",
        due_at=event.due_at,
        starts_at=event.starts_at,
        snoozed_until=None,
        why=None,
        version=version,
    )
