"""What has happened to notifications.

Stream `notification-<notification id>`, in the workspace of the thing. Only their recipients hear of them, which is why
each of these names the recipient. Instants are UTC.
"""

from datetime import datetime
from typing import Literal, NewType
from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Event

NotificationId = NewType("NotificationId", UUID)
"""Made of the key of what is told and of who is told: the same thing is told to nobody twice."""

Kind = Literal[
    "task.assigned",
    "task.mentioned",
    "task.commented",
    "task.due_soon",
    "event.invited",
    "event.changed",
    "event.cancelled",
    "reminder",
    "reminders.missed",
    "webhook.disabled",
    "digest",
]
"""What a notification is about. Users call an appointment an event."""

ThingKind = Literal["task", "appointment", "webhook"]


class Thing(Struct, frozen=True, kw_only=True):
    """What a notification leads to."""

    kind: ThingKind
    id: UUID
    occurrence: str | None = None
    """Which of a series, by its original start. None: the whole, or the only one."""


class NotificationPosted(Event, omit_defaults=True):
    """It is in the inbox of one person."""

    notification_id: NotificationId
    workspace_id: WorkspaceId
    recipient_id: UserId
    kind: Kind
    title: str
    key: str
    """Of what is told, whoever is told: made of the event or the reminder that it follows from."""
    occurred_at: datetime
    """When what it tells of happened, or was due."""
    at: datetime
    body: str = ""
    thing: Thing | None = None
    link: str | None = None
    """Where the thing is to be seen: a path below the server's own address."""
    by: UserId | None = None
    """Who did it. None: the system itself."""
    urgent: bool = False
    items: tuple[NotificationId, ...] = ()
    """What a digest tells of. They are gone with their workspaces, which is why none of their words is here."""
    more: int = 0
    """So many more there were."""


class NotificationMarkedRead(Event):
    notification_id: NotificationId
    recipient_id: UserId
    at: datetime


class NotificationMarkedUnread(Event):
    notification_id: NotificationId
    recipient_id: UserId
    at: datetime


class NotificationMarkedDone(Event):
    notification_id: NotificationId
    recipient_id: UserId
    at: datetime


class NotificationSnoozed(Event):
    """It is out of sight until then."""

    notification_id: NotificationId
    recipient_id: UserId
    until: datetime
    at: datetime


class NotificationReturned(Event):
    """The time for which it was snoozed is over: it is unread again."""

    notification_id: NotificationId
    recipient_id: UserId
    at: datetime


NotificationEvent = (
    NotificationPosted
    | NotificationMarkedRead
    | NotificationMarkedUnread
    | NotificationMarkedDone
    | NotificationSnoozed
    | NotificationReturned
)
