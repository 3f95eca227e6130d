"""What a webhook is told, and what came of it.

Stream `hookdelivery-<delivery id>`, in the workspace of the webhook. Instants are UTC.
"""

from datetime import datetime
from typing import Literal, NewType
from uuid import UUID

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Event
from sigdep.notifications.events.webhooks import WebhookId

WebhookDeliveryId = NewType("WebhookDeliveryId", UUID)
"""Made of the webhook and of the event that it is told: the same one is delivered under one id, however often."""


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
