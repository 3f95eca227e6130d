"""What is asked of webhooks and of their deliveries.

`by` and `at` are stamped at the edge, from the call. A field that is UNSET is left as it is.
"""

from collections.abc import Mapping
from datetime import datetime

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Command, UnsetType
from sigdep.notifications.events.webhook_deliveries import WebhookDeliveryId
from sigdep.notifications.events.webhooks import WebhookId


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
