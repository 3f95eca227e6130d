"""What can be asked about notifications, preferences and devices, and the shapes of those answers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Query
from sigdep.notifications.events import (
    Channel,
    DeviceId,
    Kind,
    NotificationId,
    QuietHours,
    WebhookDeliveryId,
    WebhookId,
)

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


class GetPushKey(Query):
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


class PushKey(Struct, frozen=True, kw_only=True):
    """By what browsers and push services know this server."""

    application_server_key: str | None
    """For `pushManager.subscribe`. null: nothing is pushed to browsers."""


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


# ── webhooks ────────────────────────────────────────────────────────────────────────────────────────────

WebhookStanding = Literal["active", "paused", "disabled"]
WebhookDeliveryStanding = Literal["waiting", "attempting", "sent", "failed", "suppressed"]
TryOutcome = Literal["sent", "failed", "in_doubt", "under_way"]
"""`in_doubt`: it was sent, and it is not known what came of it."""


class GetWebhook(Query):
    webhook_id: WebhookId


class ListWebhooks(Query):
    """All of one workspace, the oldest first."""

    workspace_id: WorkspaceId


class ListWebhookDeliveries(Query):
    """The newest first."""

    webhook_id: WebhookId
    state: tuple[WebhookDeliveryStanding, ...] = ()
    """None named: all."""
    cursor: str | None = None
    limit: int = 50


class FindDueWebhookDeliveries(Query):
    """Some that are due, the one that has waited longest first. Asked by the writing side, on behalf of nobody."""

    now: datetime
    limit: int
    but: tuple[WebhookId, ...] = ()
    """Webhooks that have enough on their way."""


class FindWebhooksBehind(Query):
    """Some active webhooks that are to be told what has happened before. Asked by the writing side."""

    now: datetime
    limit: int


class WebhookView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A program of others that is told what happens in a workspace."""

    id: WebhookId
    workspace_id: WorkspaceId
    url: str
    event_types: Sequence[str]
    """As the feed names them, or all of a context: `sigdep.tasks.*`. Empty: all."""
    description: str
    state: WebhookStanding
    why: str | None
    """Why it is disabled."""
    catching_up: bool
    """true: it is being told what it has missed, or what is replayed. While it is not active, that waits."""
    previous_secret_until: datetime | None
    """Until then signatures are made with the secret before as well."""
    created_at: datetime
    created_by: UserId
    updated_at: datetime
    version: int
    secret: str | None = None
    """Shown once: in the answer that made it."""


class WebhookTry(Struct, frozen=True, kw_only=True):
    """One attempt."""

    attempt: int
    at: datetime
    outcome: TryOutcome
    why: str | None
    """Why it failed."""


class WebhookDeliveryView(Struct, frozen=True, kw_only=True):
    """One event on its way to a webhook."""

    id: WebhookDeliveryId
    """What receivers find in `webhook-id`, the same whenever it is sent."""
    webhook_id: WebhookId
    event_type: str
    state: WebhookDeliveryStanding
    requested_at: datetime
    next_at: datetime | None
    """When it is tried next. null: not by itself."""
    finished_at: datetime | None
    why: str | None
    """Why it has failed, or why nothing is sent: the webhook is `paused`, `disabled` or `deleted`."""
    attempts: int
    """In all."""
    tried: Sequence[WebhookTry]
    """The last 20."""


class WebhookPlace(Struct, frozen=True, kw_only=True):
    webhook_id: WebhookId
    workspace_id: WorkspaceId


class WebhookDeliveryPlace(Struct, frozen=True, kw_only=True):
    delivery_id: WebhookDeliveryId
    webhook_id: WebhookId
