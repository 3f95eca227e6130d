"""The rows of deliveries, by what their senders ask for, and by the notification that they carry."""

from typing import Final

from sigdep.kernel.document_model import DocumentModel, document_table
from sigdep.kernel.read_store import Column, Index, Row
from sigdep.notifications.domain.delivery import DELIVERY, UNFINISHED, Delivery

DELIVERIES: Final = document_table(
    "deliveries",
    DELIVERY.schema,
    [
        Column("notification_id", "uuid"),
        Column("recipient_id", "uuid"),
        Column("channel", "text"),
        Column("unfinished", "boolean"),
        Column("next_at", "instant"),
        Column("attempted_by", "text"),
        Column("incarnation", "integer"),
    ],
    indexes=[
        Index(("channel", "unfinished", "next_at")),
        Index(("attempted_by", "incarnation")),
        Index(("notification_id",)),
    ],
)


def delivery_columns(delivery: Delivery) -> Row:
    return {
        "notification_id": delivery.notification_id,
        "recipient_id": delivery.recipient_id,
        "channel": delivery.channel,
        "unfinished": delivery.state in UNFINISHED,
        "next_at": delivery.next_at,
        "attempted_by": delivery.attempted_by if delivery.state == "attempting" else None,
        "incarnation": delivery.incarnation,
    }


def delivery_model() -> DocumentModel[Delivery]:
    return DocumentModel("deliveries", DELIVERIES, DELIVERY, delivery_columns)
