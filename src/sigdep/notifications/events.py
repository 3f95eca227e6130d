"""What has happened to notifications, and to what people want to be told and where.

Fields that may be left out say nothing: a change names what it changed and nothing else, and None says that a
field was cleared. Instants are UTC.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal, NewType
from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Event, UnsetType

NotificationId = NewType("NotificationId", UUID)
"""Made of the key of what is told and of who is told: the same thing is told to nobody twice."""
DeviceId = NewType("DeviceId", UUID)
"""Made of the channel and the address in it: registering the same device again gives the same id."""
DeliveryId = NewType("DeliveryId", UUID)
"""Made of the notification, the channel and the target."""
ReminderId = NewType("ReminderId", UUID)
"""Made of the thing, its occurrence, which of its reminders, and the person."""

WebhookId = NewType("WebhookId", UUID)
WebhookDeliveryId = NewType("WebhookDeliveryId", UUID)
"""Made of the webhook and of the event that it is told: the same one is delivered under one id, however often."""

Kind = Literal[
    "task.assigned",
    "task.mentioned",
    "task.commented",
    "event.invited",
    "event.changed",
    "event.cancelled",
    "reminder",
    "reminders.missed",
    "webhook.disabled",
    "digest",
]
"""What a notification is about. Users call an appointment an event."""

Channel = Literal["email", "fcm", "web_push"]
"""The ways out to a person. The inbox is none of them: everything is there."""

ThingKind = Literal["task", "appointment", "webhook"]


class Thing(Struct, frozen=True, kw_only=True):
    """What a notification leads to."""

    kind: ThingKind
    id: UUID
    occurrence: str | None = None
    """Which of a series, by its original start. None: the whole, or the only one."""


class QuietHours(Struct, frozen=True, kw_only=True):
    """From one time on the wall to another, over midnight where the second is the earlier one."""

    start: str
    """`22:00`."""
    end: str
    """`07:00`."""
    urgent_passes: bool = False
    """What is urgent goes out all the same."""


# ── notifications: stream `notification-<notification id>`, in the workspace of the thing. Only their
# recipients hear of them, which is why each of these names the recipient. ─────────────────────────────


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


# ── deliveries: stream `delivery-<delivery id>`, in the workspace of the notification ───────────────────


class DeliveryRequested(Event, omit_defaults=True):
    """A notification is to go out on a channel. A second time: whoever may has asked for it once more."""

    delivery_id: DeliveryId
    notification_id: NotificationId
    workspace_id: WorkspaceId
    recipient_id: UserId
    channel: Channel
    target_id: UUID
    """The device; for e-mail the person, whose address is asked for when it goes out, and stored nowhere here."""
    at: datetime
    not_before: datetime | None = None
    """The person's quiet hours end then. None: at once."""


class DeliveryAttempted(Event, omit_defaults=True):
    """Stored before the channel is called, so that no call was ever made that nobody knows of."""

    delivery_id: DeliveryId
    attempt: int
    """From 1."""
    by: str
    """The place of the process that makes it, see `Holder`. Empty: nobody has said so."""
    incarnation: int
    """Of the processes of that place."""
    leased_until: datetime
    """Whoever finds no result by then may try again, with the same key; a later process of the place at once."""
    at: datetime
    in_doubt: bool = False
    """The attempt before has no result: it may have arrived, and this one may be a repeat that its key tells."""


class DeliverySucceeded(Event, omit_defaults=True):
    """The other side has taken it."""

    delivery_id: DeliveryId
    attempt: int
    at: datetime
    reference: str = ""
    """By which the other side knows it."""


class DeliveryPostponed(Event):
    """The attempt failed, and another one follows."""

    delivery_id: DeliveryId
    attempt: int
    why: str
    until: datetime
    at: datetime


class DeliveryFailed(Event, omit_defaults=True):
    """Nothing more is tried."""

    delivery_id: DeliveryId
    attempt: int
    why: str
    at: datetime
    target_is_gone: bool = False
    """Nothing will ever reach the target again."""


DeliverySuppression = Literal["target_gone", "not_a_member", "too_old"]


class DeliverySuppressed(Event):
    """It was not sent, for there is no use in it any more."""

    delivery_id: DeliveryId
    why: DeliverySuppression
    at: datetime


DeliveryEvent = (
    DeliveryRequested | DeliveryAttempted | DeliverySucceeded | DeliveryPostponed | DeliveryFailed | DeliverySuppressed
)


# ── reminders: stream `reminder-<reminder id>`, in the workspace of the thing ───────────────────────────

Suppression = Literal["done", "cancelled", "removed", "declined", "changed", "not_due", "not_a_member", "missed"]
"""Why somebody was not reminded. `changed`: the thing has been, and has no such reminder for this person any more.
`not_due`: when it was time, its owner said so. `missed`: it was found a day late or more, and told in a summary."""


class ReminderScheduled(Event, omit_defaults=True):
    """One person is to be reminded of one occurrence. Again: what had been fired or suppressed has a new time."""

    reminder_id: ReminderId
    workspace_id: WorkspaceId
    thing: Thing
    reminder: str
    """Which of the thing's reminders: `PT10M` before, or an instant."""
    user_id: UserId
    due_at: datetime
    starts_at: datetime
    """What it reminds of."""
    because: str
    """What led to it: the type of a public event, `horizon`, or `zones`."""
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


# ── what a thing's owner said of its reminders: stream `schedule-<thing id>`, in the workspace of the thing ──


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


# ── what a person wants to be told: stream `preferences-<user id>`, in the partition of their id ────────


class PreferencesChanged(Event):
    """Some of these have a new value. Sealed with the key of its person."""

    user_id: UserId
    workspace_id: WorkspaceId
    """The personal one, in which their digest is posted."""
    at: datetime
    time_zone: str | UnsetType = UNSET
    channels: Mapping[Kind, Mapping[Channel, bool]] | UnsetType = UNSET
    """Those that changed, and no others."""
    quiet_hours: QuietHours | UnsetType | None = UNSET
    digest_at: str | UnsetType | None = UNSET
    """The time on the wall at which they want it. None: never."""


class DigestPosted(Event):
    """The digest of a day has been made, or there was nothing to tell: none of it and of earlier days follows."""

    user_id: UserId
    on: date
    at: datetime


PreferencesEvent = PreferencesChanged | DigestPosted


# ── where a person can be reached: stream `devices-<user id>`, in the partition of their id ─────────────


class DeviceRegistered(Event):
    """Sealed with the key of its person. A device that registers again may have a new name or new keys."""

    user_id: UserId
    device_id: DeviceId
    channel: Channel
    target: Mapping[str, str]
    """`{"token"}` of FCM; `{"endpoint", "p256dh", "auth"}` of Web Push (RFC 8291 §3)."""
    name: str | None
    at: datetime


class DeviceRemoved(Event):
    """`gone`: its channel said that nothing will ever reach it again."""

    user_id: UserId
    device_id: DeviceId
    gone: bool
    at: datetime


DevicesEvent = DeviceRegistered | DeviceRemoved


# ── what has to be forgotten: streams `workspace-<workspace id>` and `person-<user id>` ─────────────────
# Sealed with the key of no person and no workspace, so that every reader can read it for ever.


class WorkspaceForgotten(Event):
    """The workspace was erased: its key is gone, and whatever was derived from its events must go too."""

    workspace_id: WorkspaceId
    at: datetime


class MemberForgotten(Event):
    """The user has left the workspace, and sees nothing any more of what they were told in it."""

    workspace_id: WorkspaceId
    user_id: UserId
    removed_at: datetime
    at: datetime


WorkspaceEvent = WorkspaceForgotten | MemberForgotten


class PersonForgotten(Event):
    """The person was erased: their key is gone, and whatever was derived from its events must go too."""

    user_id: UserId
    at: datetime


# ── webhooks: stream `webhook-<webhook id>`, in their workspace ─────────────────────────────────────────


class WebhookCreated(Event):
    """A program of others is to be told what happens in a workspace."""

    webhook_id: WebhookId
    workspace_id: WorkspaceId
    url: str
    event_types: tuple[str, ...]
    """As envelopes name them, or all of a context: `sigdep.tasks.*`. None named: all."""
    description: str
    secret: str
    """By which the receiver knows us (Standard Webhooks)."""
    begins: Mapping[str, int]
    """By context: the place in its log after which events are told."""
    by: UserId
    at: datetime


class WebhookEdited(Event):
    webhook_id: WebhookId
    by: UserId
    at: datetime
    url: str | UnsetType = UNSET
    event_types: tuple[str, ...] | UnsetType = UNSET
    description: str | UnsetType = UNSET


class WebhookPaused(Event):
    webhook_id: WebhookId
    by: UserId
    at: datetime


class WebhookResumed(Event):
    """Also one that was disabled. It goes on where it stopped."""

    webhook_id: WebhookId
    by: UserId
    at: datetime


class WebhookDisabled(Event):
    """Its receiver has not taken something until the last attempt, or says that nobody listens there any more."""

    webhook_id: WebhookId
    why: str
    at: datetime


class WebhookSecretRotated(Event):
    """Until then what is sent is signed with the one before as well."""

    webhook_id: WebhookId
    secret: str
    previous_until: datetime
    by: UserId
    at: datetime


class WebhookMissed(Event):
    """While it was not active something happened after this place in a context's log: that is told when it is again."""

    webhook_id: WebhookId
    context: str
    after: int
    at: datetime


class WebhookReplayAsked(Event):
    """What came after these places, by context, is to be told once more."""

    webhook_id: WebhookId
    after: Mapping[str, int]
    by: UserId
    at: datetime


class WebhookCaughtUp(Event):
    """What it had missed, or what is replayed, has been told up to there."""

    webhook_id: WebhookId
    context: str
    reached: int
    finished: bool
    at: datetime


class WebhookDeleted(Event):
    webhook_id: WebhookId
    by: UserId
    at: datetime


WebhookEvent = (
    WebhookCreated
    | WebhookEdited
    | WebhookPaused
    | WebhookResumed
    | WebhookDisabled
    | WebhookSecretRotated
    | WebhookMissed
    | WebhookReplayAsked
    | WebhookCaughtUp
    | WebhookDeleted
)


# ── which webhooks a workspace has: stream `webhooks-<workspace id>` ────────────────────────────────────


class WebhookListed(Event):
    workspace_id: WorkspaceId
    webhook_id: WebhookId


class WebhookUnlisted(Event):
    workspace_id: WorkspaceId
    webhook_id: WebhookId


WebhookListEvent = WebhookListed | WebhookUnlisted


# ── what a webhook is told: stream `hookdelivery-<delivery id>`, in its workspace ───────────────────────


class WebhookDeliveryRequested(Event, omit_defaults=True):
    """An event is to be delivered; or once more, where the delivery exists."""

    delivery_id: WebhookDeliveryId
    webhook_id: WebhookId
    workspace_id: WorkspaceId
    context: str
    position: int
    """Of the event, in its context's log."""
    event_type: str
    at: datetime
    document: str = ""
    """What is sent: the CloudEvent in JSON. Empty: as it was first."""
    by: UserId | None = None
    """Who asked for it once more. None: it follows from what happened."""


class WebhookDeliveryAttempted(Event, omit_defaults=True):
    """Stored before it is sent. What has no result when the lease is over is tried again: it may have arrived."""

    delivery_id: WebhookDeliveryId
    attempt: int
    leased_until: datetime
    at: datetime
    in_doubt: bool = False
    """The attempt before this one has no result."""


class WebhookDeliverySucceeded(Event):
    delivery_id: WebhookDeliveryId
    attempt: int
    at: datetime


class WebhookDeliveryPostponed(Event):
    delivery_id: WebhookDeliveryId
    attempt: int
    why: str
    until: datetime
    at: datetime


class WebhookDeliveryFailed(Event):
    """It is not tried again by itself."""

    delivery_id: WebhookDeliveryId
    attempt: int
    why: str
    at: datetime


WebhookSuppression = Literal["paused", "disabled", "deleted"]
"""Why nothing is sent: what its webhook is at that time."""


class WebhookDeliverySuppressed(Event):
    delivery_id: WebhookDeliveryId
    why: WebhookSuppression
    at: datetime


WebhookDeliveryEvent = (
    WebhookDeliveryRequested
    | WebhookDeliveryAttempted
    | WebhookDeliverySucceeded
    | WebhookDeliveryPostponed
    | WebhookDeliveryFailed
    | WebhookDeliverySuppressed
)


EVENTS: tuple[type[Event], ...] = (
    NotificationPosted,
    NotificationMarkedRead,
    NotificationMarkedUnread,
    NotificationMarkedDone,
    NotificationSnoozed,
    NotificationReturned,
    DeliveryRequested,
    DeliveryAttempted,
    DeliverySucceeded,
    DeliveryPostponed,
    DeliveryFailed,
    DeliverySuppressed,
    ReminderScheduled,
    ReminderRescheduled,
    ReminderSnoozed,
    ReminderSuppressed,
    ReminderFired,
    ScheduleChanged,
    PreferencesChanged,
    DigestPosted,
    DeviceRegistered,
    DeviceRemoved,
    WorkspaceForgotten,
    MemberForgotten,
    PersonForgotten,
    WebhookCreated,
    WebhookEdited,
    WebhookPaused,
    WebhookResumed,
    WebhookDisabled,
    WebhookSecretRotated,
    WebhookMissed,
    WebhookReplayAsked,
    WebhookCaughtUp,
    WebhookDeleted,
    WebhookListed,
    WebhookUnlisted,
    WebhookDeliveryRequested,
    WebhookDeliveryAttempted,
    WebhookDeliverySucceeded,
    WebhookDeliveryPostponed,
    WebhookDeliveryFailed,
    WebhookDeliverySuppressed,
)
"""Every type that was ever stored."""
