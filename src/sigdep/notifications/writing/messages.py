"""What goes out of a notification, whatever the way."""

from datetime import timedelta
from typing import Final

import msgspec

from sigdep.kernel.channel import Message
from sigdep.notifications.domain.delivery import Delivery
from sigdep.notifications.domain.notification import Notification

KEPT: Final = timedelta(days=1)
"""For so long others may hold it for somebody who is away."""

_PUSHED_AT_ONCE: Final = frozenset({"reminder"})

_encode: Final = msgspec.json.Encoder().encode


def message_of(delivery: Delivery, notification: Notification, url: str) -> Message:
    """The same each time that it is sent.

    Args:
        url: of this server, as people know it.
    """
    return Message(
        key=str(delivery.id),
        kind=notification.kind,
        title=notification.title,
        body=notification.body,
        link=None if notification.link is None else url.rstrip("/") + notification.link,
        occurred_at=notification.occurred_at,
        document=_encode(notification),
        urgent=notification.urgent or notification.kind in _PUSHED_AT_ONCE,
        keep_seconds=round(KEPT / timedelta(seconds=1)),
    )
