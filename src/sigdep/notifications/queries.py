"""What can be asked about notifications, preferences and devices, and the shapes of those answers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Query
from sigdep.notifications.events import (
    Channel,
    DeliveryId,
    DeviceId,
    Kind,
    NotificationId,
    QuietHours,
    ReminderId,
    Suppression,
    Thing,
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


# ── reminders and deliveries: questions ─────────────────────────────────────────────────────────────────

ReminderState = Literal["scheduled", "fired", "suppressed"]
DeliveryState = Literal["waiting", "attempting", "sent", "failed", "suppressed"]


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


class FindDueDeliveries(Query):
    """Some on one channel whose time has come, and when the next one is to be tried. Asked by the sender."""

    channel: Channel
    now: datetime
    limit: int


class FindAbandonedDeliveries(Query):
    """Some on one channel that earlier processes of a place were trying when they died. Asked by the sender."""

    channel: Channel
    place: str
    incarnation: int
    """Of the present process of the place."""
    limit: int


class FindSchedulesBehind(Query):
    """Some things whose reminders are known for too short a time, or reckoned by other time-zone data."""

    known_before: datetime
    now: datetime
    zones: str
    limit: int


# ── reminders and deliveries: answers ───────────────────────────────────────────────────────────────────


class ReminderView(Struct, frozen=True, kw_only=True):
    """A reminder of one occurrence, for the caller."""

    id: ReminderId
    workspace_id: WorkspaceId
    thing: Thing
    title: str
    """Of the thing."""
    reminder: str
    """Which of the thing's reminders: `PT10M` before, or an instant."""
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
    """What led to it: the type of an event, `horizon` (as time goes on), `zones` (new time-zone data), `due`."""
    why: Suppression | None = None
    late_seconds: float | None = None
    confirmed: bool | None = None
    """Whether the thing said just before that it is still due. false: it could not be asked."""
    notification_id: NotificationId | None = None


class DeliveryStep(Struct, frozen=True, kw_only=True):
    """Something that has happened to a delivery."""

    what: Literal["requested", "attempted", "sent", "postponed", "failed", "suppressed"]
    at: datetime
    attempt: int | None = None
    until: datetime | None = None
    """Not to be tried before."""
    in_doubt: bool | None = None
    """The attempt before has no result: it may have arrived."""
    why: str | None = None
    reference: str | None = None
    """By which the other side knows it."""


class DeliveryView(Struct, frozen=True, kw_only=True):
    """A notification on its way out by one channel."""

    id: DeliveryId
    notification_id: NotificationId
    channel: Channel
    target_id: UUID
    """The device. By e-mail: you."""
    state: DeliveryState
    attempts: int
    in_doubt: int
    """Attempts without a result: any of them may have arrived."""
    why: str | None
    steps: Sequence[DeliveryStep]


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


class WaitingDelivery(Struct, frozen=True, kw_only=True):
    delivery_id: DeliveryId
    workspace_id: WorkspaceId
    version: int


class DueDeliveries(Struct, frozen=True, kw_only=True):
    due: tuple[WaitingDelivery, ...]
    next_at: datetime | None


class ScheduleBehind(Struct, frozen=True, kw_only=True):
    thing: Thing
    workspace_id: WorkspaceId
    zones: str
    version: int
