"""What can be asked about notifications, preferences and devices, and the shapes of those answers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Query
from sigdep.notifications.events import Channel, DeviceId, Kind, NotificationId, QuietHours

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


class FindDigestsDue(Query):
    """Some people whose digest is due."""

    now: datetime
    limit: int


class FindDigestItems(Query):
    """What a digest that goes out says beside its title, line by line.

    No digest holds it: it is from all workspaces of a person, and must be gone where one of them is erased.
    """

    user_id: UserId


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────


class Counts(Struct, frozen=True, kw_only=True):
    """What a badge shows."""

    unread: int
    snoozed: int
    unread_by_kind: Mapping[Kind, int]
    """Kinds of which there are none are not named."""
    at_least: bool
    """true: there are more than are counted."""


class PreferencesView(Struct, frozen=True, kw_only=True):
    """What somebody is told, by which ways, and when they want quiet."""

    channels: Mapping[Kind, Mapping[Channel, bool]]
    """By each way, of each kind. Everything is in the inbox, whatever is said here."""
    time_zone: str
    """IANA. In it the times below are meant."""
    quiet_hours: QuietHours | None
    """When nothing goes out: it waits until they are over. The inbox does not."""
    digest_at: str | None
    """At what time a digest of the day comes, as in `07:30`. null: none does."""
    version: int


class DeviceView(Struct, frozen=True, kw_only=True):
    """Where something can be pushed to, without the secrets of that."""

    id: DeviceId
    channel: Channel
    name: str | None
    registered_at: datetime


class DeviceList(Struct, frozen=True, kw_only=True):
    """All devices of one person, in the order in which they registered."""

    items: Sequence[DeviceView]


class Found(Struct, frozen=True, kw_only=True):
    """One notification."""

    notification_id: NotificationId
    workspace_id: WorkspaceId


class FoundPage(Struct, frozen=True, kw_only=True):
    found: Sequence[Found]
    next_cursor: str | None


class DigestDue(Struct, frozen=True, kw_only=True):
    """Somebody's digest, as it would be now."""

    user_id: UserId
    workspace_id: WorkspaceId
    """Their personal one."""
    on: date
    title: str
    """Empty: there is nothing to tell."""
