"""A notification: what it is, and how it goes from unread to done."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from msgspec.structs import replace

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Invalid, NotFound, Refused
from sigdep.kernel.messages import State
from sigdep.notifications.commands.inbox import (
    MarkDone,
    MarkRead,
    MarkUnread,
    NotificationCommand,
    ReturnNotification,
    SnoozeNotification,
)
from sigdep.notifications.events.inbox import (
    Kind,
    NotificationEvent,
    NotificationId,
    NotificationMarkedDone,
    NotificationMarkedRead,
    NotificationMarkedUnread,
    NotificationPosted,
    NotificationReturned,
    NotificationSnoozed,
    Thing,
)
from sigdep.notifications.queries.inbox import Standing

_IDS: Final = UUID("6f0f1e83-6d6f-5d5c-9b0b-6a3c7b1f5d10")
"""Namespace (RFC 9562 §5.5) of the ids of notifications."""

_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")


class Notification(State):
    """A notification: what deciding remembers, what a write answers and what read models keep, in one shape."""

    id: NotificationId
    workspace_id: WorkspaceId
    recipient_id: UserId
    kind: Kind
    title: str
    body: str
    """Of a digest: what it tells of, as that is known when it is shown."""
    thing: Thing | None
    link: str | None
    by: UserId | None
    urgent: bool
    items: tuple[NotificationId, ...]
    """What a digest tells of, the newest first."""
    more: int
    """So many more there were."""
    occurred_at: datetime
    posted_at: datetime
    state: Standing
    snoozed_until: datetime | None
    updated_at: datetime
    version: int
    """Grows with every event. 0: it does not exist."""


ABSENT: Final = Notification(
    id=NotificationId(_NOBODY),
    workspace_id=WorkspaceId(_NOBODY),
    recipient_id=UserId(_NOBODY),
    kind="digest",
    title="",
    body="",
    thing=None,
    link=None,
    by=None,
    urgent=False,
    items=(),
    more=0,
    occurred_at=_NEVER,
    posted_at=_NEVER,
    state="unread",
    snoozed_until=None,
    updated_at=_NEVER,
    version=0,
)
"""A notification that does not exist."""


class NotificationNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("This notification does not exist, or it is somebody else's.")


class NotificationIsDone(Refused):
    def __init__(self) -> None:
        super().__init__("This notification is done. Mark it unread first.")


def notification_id(key: str, recipient: UserId) -> NotificationId:
    """The same whenever the same thing is told to the same person."""
    return NotificationId(uuid5(_IDS, f"{key} {recipient}"))


def decide(command: NotificationCommand, notification: Notification) -> list[NotificationEvent]:
    """
    Raises:
        NotificationNotFound, NotificationIsDone, Invalid.
    """
    if notification.version == 0:
        raise NotificationNotFound
    ids: Any = {"notification_id": notification.id, "recipient_id": notification.recipient_id}
    state, at = notification.state, command.at
    match command:
        case MarkRead():
            if state == "done":
                raise NotificationIsDone
            return [] if state == "read" else [NotificationMarkedRead(**ids, at=at)]
        case MarkUnread():
            return [] if state == "unread" else [NotificationMarkedUnread(**ids, at=at)]
        case MarkDone():
            return [] if state == "done" else [NotificationMarkedDone(**ids, at=at)]
        case SnoozeNotification():
            if command.until <= at:
                raise Invalid.at("/until", "A notification can be snoozed until a time to come.")
            if (state, command.until) == ("snoozed", notification.snoozed_until):
                return []
            return [NotificationSnoozed(**ids, until=command.until, at=at)]
        case ReturnNotification():
            until = notification.snoozed_until
            if state != "snoozed" or until is None or until > at:
                return []
            return [NotificationReturned(**ids, at=at)]


def evolve(notification: Notification, event: NotificationEvent) -> Notification:
    """The notification after the event. Never raises: what is in the log has happened."""
    if notification.version == 0 and not isinstance(event, NotificationPosted):
        return notification  # How it began has been erased or forgotten, and so is what follows.
    match event:
        case NotificationPosted():
            return _posted(event)
        case NotificationSnoozed():
            return _standing(notification, event, "snoozed", until=event.until)
        case NotificationMarkedRead():
            return _standing(notification, event, "read")
        case NotificationMarkedUnread() | NotificationReturned():
            return _standing(notification, event, "unread")
        case NotificationMarkedDone():
            return _standing(notification, event, "done")


def _standing(
    notification: Notification, event: NotificationEvent, state: Standing, until: datetime | None = None
) -> Notification:
    return replace(
        notification, state=state, snoozed_until=until, updated_at=event.at, version=notification.version + 1
    )


def _posted(event: NotificationPosted) -> Notification:
    return Notification(
        id=event.notification_id,
        workspace_id=event.workspace_id,
        recipient_id=event.recipient_id,
        kind=event.kind,
        title=event.title,
        body=event.body,
        thing=event.thing,
        link=event.link,
        by=event.by,
        urgent=event.urgent,
        items=event.items,
        more=event.more,
        occurred_at=event.occurred_at,
        posted_at=event.at,
        state="unread",
        snoozed_until=None,
        updated_at=event.at,
        version=1,
    )


NOTIFICATION: Final = Decider[Any, Notification](
    category="notification", initial=ABSENT, decide=decide, evolve=evolve, schema="notification-2"
)
