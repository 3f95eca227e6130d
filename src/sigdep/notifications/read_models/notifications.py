"""The notifications, one row each."""

from typing import Final

from sigdep.kernel.document_model import DocumentModel, document_table
from sigdep.kernel.read_store import Column, Index, Order, Row
from sigdep.notifications.domain.notification import NOTIFICATION, Notification

NOTIFICATIONS: Final = document_table(
    "notifications",
    NOTIFICATION.schema,
    [
        Column("recipient_id", "uuid"),
        Column("kind", "text"),
        Column("state", "text"),
        Column("in_inbox", "boolean"),
        Column("snoozed_until", "instant"),
        Column("posted_at", "instant"),
    ],
    indexes=[
        Index(("recipient_id", "posted_at")),
        Index(("recipient_id", "in_inbox", "posted_at")),
        Index(("recipient_id", "state", "posted_at")),
        Index(("snoozed_until",)),
    ],
)
NEWEST_FIRST: Final = (Order("posted_at", descending=True),)


def notification_columns(notification: Notification) -> Row:
    return {
        "recipient_id": notification.recipient_id,
        "kind": notification.kind,
        "state": notification.state,
        "in_inbox": notification.state in ("unread", "read"),
        "snoozed_until": notification.snoozed_until,
        "posted_at": notification.posted_at,
    }


def notification_model() -> DocumentModel[Notification]:
    return DocumentModel("notifications", NOTIFICATIONS, NOTIFICATION, notification_columns)
