"""What can be asked about reminders, and the shapes of those answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Query
from sigdep.notifications.events.inbox import NotificationId, Thing
from sigdep.notifications.events.reminders import ReminderId, Suppression
from sigdep.notifications.queries.deliveries import DeliveryView

ReminderState = Literal["scheduled", "fired", "suppressed"]


class GetReminder(Query):
    """With all that has happened to it."""

    reminder_id: ReminderId


class ListReminders(Query):
    """Those of the caller, by when they are due."""

    state: tuple[ReminderState, ...] = ()
    thing_id: UUID | None = None
    latest_first: bool = False
    cursor: str | None = None
    limit: int = 50


class FindDueReminders(Query):
    """Some whose time has come, and when the next one is due. Asked by the scheduler."""

    now: datetime
    limit: int


class FindSchedulesBehind(Query):
    """Some things whose reminders are known for too short a time, or reckoned by other time-zone data."""

    known_before: datetime
    now: datetime
    zones: str
    limit: int


class FindUnscheduled(Query):
    """Those of some things of whose reminders nothing is known."""

    things: tuple[UUID, ...]


class FindDueSoon(Query):
    """What somebody is to be told because it is due soon, by when they will be told."""

    user_id: UserId
    after: "DueSoonPlace | None" = None
    """Only what stands behind this one."""
    limit: int = 200


class DueSoonPlace(Struct, frozen=True, kw_only=True):
    fires_at: datetime
    reminder_id: ReminderId


class DueSoonThing(Struct, frozen=True, kw_only=True):
    thing: Thing
    workspace_id: WorkspaceId


class DueSoonPage(Struct, frozen=True, kw_only=True):
    things: tuple[DueSoonThing, ...]
    next: DueSoonPlace | None
    """For `FindDueSoon.after`. None: there are no more."""


class ReminderView(Struct, frozen=True, kw_only=True):
    """A reminder of one occurrence, for the caller."""

    id: ReminderId
    workspace_id: WorkspaceId
    thing: Thing
    title: str
    """Of the thing."""
    reminder: str
    """Which of the thing's reminders: `PT10M` before, an instant, or `due`: the task has none, and you are told as long
    before it is due as your preferences say."""
    state: ReminderState
    due_at: datetime
    starts_at: datetime
    """What it reminds of."""
    snoozed_until: datetime | None
    fired_at: datetime | None
    late_seconds: float | None
    """How much later than it was due it was fired."""
    why: Suppression | None
    """Why you were not reminded."""
    notification_id: NotificationId | None
    version: int


class ReminderStep(Struct, frozen=True, kw_only=True):
    """Something that has happened to a reminder."""

    what: Literal["scheduled", "rescheduled", "snoozed", "suppressed", "fired"]
    at: datetime
    due_at: datetime | None = None
    """For when it was scheduled, or until when it was snoozed."""
    because: str | None = None
    """What led to it: the type of an event, `horizon` (as time goes on), `zones` (new time-zone data), `due` (its
    time), `preferences` (you want to be told sooner or later)."""
    why: Suppression | None = None
    late_seconds: float | None = None
    confirmed: bool | None = None
    """Whether the thing said just before that it is still due. false: it could not be asked."""
    notification_id: NotificationId | None = None


class ReminderHistory(ReminderView, frozen=True, kw_only=True):
    """A reminder, every step of its way, and of each way out: why it came, or did not."""

    steps: Sequence[ReminderStep]
    deliveries: Sequence[DeliveryView]


class WaitingReminder(Struct, frozen=True, kw_only=True):
    reminder_id: ReminderId
    workspace_id: WorkspaceId
    user_id: UserId
    fires_at: datetime
    title: str
    version: int


class DueReminders(Struct, frozen=True, kw_only=True):
    due: tuple[WaitingReminder, ...]
    next_at: datetime | None
    """When the first of those is due that are not due yet."""


class ScheduleBehind(Struct, frozen=True, kw_only=True):
    thing: Thing
    workspace_id: WorkspaceId
    zones: str
    version: int
