"""Webhooks, without their secrets, and what is on its way to them: one row each."""

from typing import Final

from sigdep.kernel.document_model import DocumentModel, document_table
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import All, Column, Compare, Index, Row
from sigdep.notifications.domain.webhook import Webhook
from sigdep.notifications.domain.webhook_decisions import SHOWN_WEBHOOK
from sigdep.notifications.domain.webhook_delivery import UNFINISHED, WEBHOOK_DELIVERY, WebhookDelivery
from sigdep.notifications.events.webhook_records import WebhookRecordsExpired

WEBHOOK_ROWS: Final = document_table(
    "webhooks",
    SHOWN_WEBHOOK.schema,
    [Column("state", "text"), Column("created_at", "instant"), Column("behind_since", "instant")],
    indexes=[Index(("workspace_id", "created_at")), Index(("behind_since",))],
)
WEBHOOK_DELIVERIES: Final = document_table(
    "webhook_deliveries",
    WEBHOOK_DELIVERY.schema,
    [
        Column("webhook_id", "uuid"),
        Column("state", "text"),
        Column("due_at", "instant"),
        Column("requested_at", "instant"),
        Column("ended_at", "instant"),
    ],
    indexes=[
        Index(("ended_at",)),
        Index(("workspace_id", "ended_at")),
        Index(("webhook_id", "requested_at")),
        Index(("webhook_id", "state", "requested_at")),
        Index(("due_at",)),
    ],
)


def webhook_columns(webhook: Webhook) -> Row:
    catches_up = webhook.state == "active" and bool(webhook.behind)
    return {
        "state": webhook.state,
        "created_at": webhook.created_at,
        "behind_since": webhook.updated_at if catches_up else None,
    }


def webhook_delivery_columns(delivery: WebhookDelivery) -> Row:
    return {
        "webhook_id": delivery.webhook_id,
        "state": delivery.state,
        "due_at": delivery.next_at if delivery.state in UNFINISHED else None,
        "requested_at": delivery.requested_at,
        "ended_at": delivery.finished_at,
    }


def forget_expired(rows: Rows, expired: WebhookRecordsExpired) -> None:
    """Take off the list what had ended by then. One that is sent once more comes back with its next event."""
    here, ended = Compare("workspace_id", "=", expired.workspace_id), Compare("ended_at", "<=", expired.until)
    rows.delete_where(WEBHOOK_DELIVERIES, All((here, ended)))


def webhook_model() -> DocumentModel[Webhook]:
    return DocumentModel("webhooks", WEBHOOK_ROWS, SHOWN_WEBHOOK, webhook_columns)


def webhook_delivery_model() -> DocumentModel[WebhookDelivery]:
    return DocumentModel("webhook_deliveries", WEBHOOK_DELIVERIES, WEBHOOK_DELIVERY, webhook_delivery_columns)
