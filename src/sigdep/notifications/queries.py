"""What can be asked about notifications, preferences and devices, and the shapes of those answers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Query
from sigdep.notifications.events import Kind, NotificationId

Standing = Literal["unread", "read", "snoozed", "done"]
"""Where a notification stands with its recipient."""

# ── questions: each about the caller ────────────────────────────────────────────────────────────────────


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


class GetPreferences(Query):
    pass


class ListDevices(Query):
    pass


# ── asked by the writing side of this context, on behalf of nobody ──────────────────────────────────────


class FindUnread(Query):
    """Some unread notifications of a person, the newest first."""

    user_id: UserId
    workspace_id: WorkspaceId | None = None
    limit: int = 500


class FindReturning(Query):
    """Some snoozed notifications whose time is over."""

    now: datetime
    limit: int = 500


class FindDigestsDue(Query):
    """Some people whose digest is due."""

    now: datetime
    limit: int = 500


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────


class Counts(Struct, frozen=True, kw_only=True):
    """How many notifications there are of each standing."""

    unread: int
    read: int
    snoozed: int
    done: int
    unread_by_kind: Mapping[Kind, int]


class Found(Struct, frozen=True, kw_only=True):
    """One notification, by its place in the log."""

    notification_id: NotificationId
    workspace_id: WorkspaceId


class FoundNotifications(Struct, frozen=True, kw_only=True):
    found: Sequence[Found]


class DigestDue(Struct, frozen=True, kw_only=True):
    user_id: UserId
    on: date


class DigestsDue(Struct, frozen=True, kw_only=True):
    due: Sequence[DigestDue]
