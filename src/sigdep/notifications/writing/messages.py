"""What goes out of a notification, whatever the way."""

from datetime import timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from sigdep.http.stamps import internal_call
from sigdep.kernel.channel import Message
from sigdep.notifications.domain.delivery import Delivery
from sigdep.notifications.domain.digest import digest_body
from sigdep.notifications.domain.notification import Notification
from sigdep.notifications.queries.digest import DigestItem, FindDigestItems
from sigdep.notifications.writing.unsubscribing import PATH, UnsubscribeTokens
from sigdep.rpc.call import Service

KEPT: Final = timedelta(days=1)
"""For so long others may hold it for somebody who is away."""

_PUSHED_AT_ONCE: Final = frozenset({"reminder", "task.due_soon"})

_encode: Final = msgspec.json.Encoder().encode


class Messages:
    """What is sent of notifications: the same each time, but for what a digest may not tell any more."""

    def __init__(self, read: Service, url: str, tokens: UnsubscribeTokens) -> None:
        """
        Args:
            read: the reading side of this context.
            url: of this server, as people know it.
        """
        self._read = read
        self._url = url.rstrip("/")
        self._tokens = tokens

    async def of(self, delivery: Delivery, notification: Notification) -> Message:
        """
        Raises:
            Unavailable: the reading side is away.
        """
        if notification.items:
            notification = replace(notification, body=await self._digest(notification))
        return Message(
            key=str(delivery.id),
            kind=notification.kind,
            title=notification.title,
            body=notification.body,
            link=None if notification.link is None else self._url + notification.link,
            occurred_at=notification.occurred_at,
            document=_encode(notification),
            urgent=notification.urgent or notification.kind in _PUSHED_AT_ONCE,
            keep_seconds=round(KEPT / timedelta(seconds=1)),
            unsubscribe_link=self._unsubscribe_link(notification) if delivery.channel == "email" else None,
        )

    def _unsubscribe_link(self, notification: Notification) -> str:
        return f"{self._url}{PATH}?token={self._tokens.make(notification.recipient_id, notification.kind)}"

    async def _digest(self, digest: Notification) -> str:
        query = FindDigestItems(user_id=digest.recipient_id, items=digest.items)
        items: tuple[DigestItem, ...] = (await self._read.ask(query, internal_call())).value
        return digest_body(items, digest.more, self._url)
