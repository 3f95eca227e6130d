"""What is asked of notifications, preferences and devices.

`by` and `at` are stamped at the edge, from the call. A field that is UNSET is left as it is; None clears it.
"""

from collections.abc import Mapping
from datetime import date, datetime

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Command, UnsetType
from sigdep.notifications.events import (
    Channel,
    DeliveryId,
    DeliverySuppression,
    DeviceId,
    Kind,
    NotificationId,
    QuietHours,
    ReminderId,
    ScheduledTime,
    Suppression,
    Thing,
    WebhookDeliveryId,
    WebhookId,
)

# ── notifications ───────────────────────────────────────────────────────────────────────────────────────


class TellPeople(Command):
    """Tell one thing to some people: in their inboxes, and by the ways that they want. Asked by nobody but reactions.

    Whoever has been told of this key is not told again. Whoever is no member of the workspace is not told.
    """

    workspace_id: WorkspaceId
    recipients: tuple[UserId, ...]
    kind: Kind
    title: str
    key: str
    occurred_at: datetime
    at: datetime
    body: str = ""
    thing: Thing | None = None
    link: str | None = None
    by: UserId | None = None
    urgent: bool = False


class MarkRead(Command):
    notification_id: NotificationId
    by: UserId
    at: datetime


class MarkUnread(Command):
    notification_id: NotificationId
    by: UserId
    at: datetime


class MarkDone(Command):
    notification_id: NotificationId
    by: UserId
    at: datetime


class SnoozeNotification(Command):
    notification_id: NotificationId
    until: datetime
    by: UserId
    at: datetime


class ReturnNotification(Command):
    """The time for which it was snoozed is over. Asked by nobody but a job."""

    notification_id: NotificationId
    at: datetime


NotificationCommand = MarkRead | MarkUnread | MarkDone | SnoozeNotification | ReturnNotification


class MarkAllRead(Command):
    """Those that are unread, as far as the reading side has come: the newest 10,000."""

    by: UserId
    at: datetime
    workspace_id: WorkspaceId | None = None
    """None: in all workspaces."""


# ── preferences ─────────────────────────────────────────────────────────────────────────────────────────


class Choice(Struct, frozen=True, kw_only=True):
    """Whether a person wants things of one kind told by one way."""

    kind: Kind
    channel: Channel
    wanted: bool


class ChangePreferences(Command):
    user_id: UserId
    workspace_id: WorkspaceId
    """The personal one."""
    at: datetime
    time_zone: str | UnsetType = UNSET
    choices: tuple[Choice, ...] = ()
    """Changes those that it names."""
    quiet_hours: QuietHours | UnsetType | None = UNSET
    digest_at: str | UnsetType | None = UNSET


class PostDigest(Command):
    """The digest of a day, for whoever wants one. Asked by nobody but a job."""

    user_id: UserId
    workspace_id: WorkspaceId
    """The personal one."""
    on: date
    title: str
    """Empty: there is nothing to tell, and nothing is posted."""
    at: datetime


PreferencesCommand = ChangePreferences | PostDigest


# ── devices ─────────────────────────────────────────────────────────────────────────────────────────────


class RegisterDevice(Command):
    user_id: UserId
    channel: Channel
    target: Mapping[str, str]
    at: datetime
    name: str | None = None


class RemoveDevice(Command):
    user_id: UserId
    device_id: DeviceId
    at: datetime
    gone: bool = False
    """Its channel says that nothing will ever reach it again."""


DevicesCommand = RegisterDevice | RemoveDevice


# ── reminders ───────────────────────────────────────────────────────────────────────────────────────────


class ScheduleThing(Command):
    """Ask a thing's owner what it reminds of, and schedule that. Asked by nobody but reactions and jobs."""

    workspace_id: WorkspaceId
    thing: Thing
    because: str
    """The type of the public event, `horizon`, or `zones`."""
    since: datetime
    """What was due before is not scheduled any more: it was over when it was asked for."""
    at: datetime


class ScheduleReminder(Command):
    reminder_id: ReminderId
    workspace_id: WorkspaceId
    thing: Thing
    reminder: str
    user_id: UserId
    due_at: datetime
    starts_at: datetime
    because: str
    at: datetime


class SuppressReminder(Command):
    reminder_id: ReminderId
    why: Suppression
    because: str
    at: datetime
    notification_id: NotificationId | None = None


class FireReminder(Command):
    reminder_id: ReminderId
    notification_id: NotificationId
    confirmed: bool
    at: datetime


class SnoozeReminder(Command):
    reminder_id: ReminderId
    until: datetime
    by: UserId
    at: datetime


ReminderCommand = ScheduleReminder | SuppressReminder | FireReminder | SnoozeReminder


class NoteSchedule(Command):
    """What the owner has said of a thing, and what follows for what was known of it."""

    workspace_id: WorkspaceId
    thing: Thing
    title: str
    known_until: datetime
    continues: bool
    zones: str
    because: str
    at: datetime
    planned: tuple[ScheduledTime, ...] = ()
    dropped: tuple[ReminderId, ...] = ()


# ── deliveries. Asked by nobody but the sender. ─────────────────────────────────────────────────────────


class AttemptDelivery(Command):
    delivery_id: DeliveryId
    by: str
    incarnation: int
    leased_until: datetime
    at: datetime


class SucceedDelivery(Command):
    delivery_id: DeliveryId
    attempt: int
    reference: str
    at: datetime


class PostponeDelivery(Command):
    delivery_id: DeliveryId
    attempt: int
    why: str
    until: datetime
    at: datetime


class FailDelivery(Command):
    delivery_id: DeliveryId
    attempt: int
    why: str
    at: datetime
    target_is_gone: bool = False


class SuppressDelivery(Command):
    delivery_id: DeliveryId
    why: DeliverySuppression
    at: datetime


DeliveryCommand = AttemptDelivery | SucceedDelivery | PostponeDelivery | FailDelivery | SuppressDelivery


# ── what has to be forgotten. Asked by nobody but a reaction. ───────────────────────────────────────────


class ForgetWorkspace(Command):
    """Its key has been destroyed: have whatever was derived from its events removed."""

    workspace_id: WorkspaceId
    at: datetime


class ForgetMember(Command):
    """The user has left the workspace."""

    workspace_id: WorkspaceId
    user_id: UserId
    removed_at: datetime
    at: datetime


class ForgetPerson(Command):
    """Their key has been destroyed: have whatever is known of them removed."""

    user_id: UserId
    at: datetime


# ── webhooks ────────────────────────────────────────────────────────────────────────────────────────────


class CreateWebhook(Command):
    webhook_id: WebhookId
    workspace_id: WorkspaceId
    url: str
    secret: str
    """Made at the edge."""
    by: UserId
    at: datetime
    event_types: tuple[str, ...] = ()
    description: str = ""
    since: Mapping[str, int] = {}
    """By context: a place in its log. What came after it is told as well; of other contexts, what is new."""


class EditWebhook(Command):
    webhook_id: WebhookId
    by: UserId
    at: datetime
    url: str | UnsetType = UNSET
    event_types: tuple[str, ...] | UnsetType = UNSET
    description: str | UnsetType = UNSET


class PauseWebhook(Command):
    webhook_id: WebhookId
    by: UserId
    at: datetime


class ResumeWebhook(Command):
    webhook_id: WebhookId
    by: UserId
    at: datetime


class RotateWebhookSecret(Command):
    webhook_id: WebhookId
    secret: str
    previous_until: datetime
    by: UserId
    at: datetime


class ReplayWebhook(Command):
    webhook_id: WebhookId
    after: Mapping[str, int]
    """By context: a place in its log."""
    partition: int
    """Of the logs, in which those places are."""
    by: UserId
    at: datetime


class DeleteWebhook(Command):
    webhook_id: WebhookId
    by: UserId
    at: datetime


class RedeliverWebhook(Command):
    """Send something once more, under the same id."""

    webhook_id: WebhookId
    delivery_id: WebhookDeliveryId
    by: UserId
    at: datetime


ChangeWebhook = EditWebhook | PauseWebhook | ResumeWebhook | RotateWebhookSecret | ReplayWebhook | DeleteWebhook

WebhookCommand = CreateWebhook | ChangeWebhook | RedeliverWebhook
