"""What can be asked about notifications, and the shapes of those answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Query
from sigdep.notifications.events.inbox import Kind, NotificationId

Standing = Literal["unread", "read", "snoozed", "done"]
"""Where a notification stands with its recipient."""


class GetNotification(Query):
    notification_id: NotificationId


class ListNotifications(Query):
    """The newest first. Several values of one field: any of them; several fields: all of them."""

    state: tuple[Standing, ...] = ()
    """None named: unread and read, as in an inbox."""
    kind: tuple[Kind, ...] = ()
    workspace_id: WorkspaceId | None = None
    """None: of all workspaces."""
    cursor: str | None = None
    limit: int = 50


class CountNotifications(Query):
    pass


class FindUnread(Query):
    """The unread notifications of a person, the newest first."""

    user_id: UserId
    workspace_id: WorkspaceId | None = None
    """None: of all workspaces."""
    cursor: str | None = None
    limit: int = 500


class FindReturning(Query):
    """Some snoozed notifications whose time is over."""

    now: datetime
    limit: int


class Counts(Struct, frozen=True, kw_only=True):
    """What a badge shows."""

    unread: int
    snoozed: int
    unread_by_kind: Mapping[Kind, int]
    """Kinds of which there are none are not named."""
    at_least: bool
    """true: there are more than are counted."""


class Found(Struct, frozen=True, kw_only=True):
    """One notification."""

    notification_id: NotificationId
    workspace_id: WorkspaceId


class FoundPage(Struct, frozen=True, kw_only=True):
    found: Sequence[Found]
    next_cursor: str | None
