"""What can be asked about what webhooks are told, and the shapes of those answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.messages import Query
from sigdep.notifications.events.webhook_deliveries import WebhookDeliveryId
from sigdep.notifications.events.webhooks import WebhookId

WebhookDeliveryStanding = Literal["waiting", "attempting", "sent", "failed", "suppressed"]

TryOutcome = Literal["sent", "failed", "in_doubt", "under_way"]
"""`in_doubt`: it was sent, and it is not known what came of it."""


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


class FindEndedWebhookDeliveries(Query):
    """Some that had ended by then, the longest ended first. Asked by the writing side, on behalf of nobody."""

    until: datetime
    limit: int


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


class WebhookDeliveryPlace(Struct, frozen=True, kw_only=True):
    delivery_id: WebhookDeliveryId
    webhook_id: WebhookId
    due_at: datetime


class EndedWebhookDelivery(Struct, frozen=True, kw_only=True):
    workspace_id: WorkspaceId
    ended_at: datetime
