"""Telling one person one thing: what is posted in their inbox, and by which ways it goes out to them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.notifications.commands.people import PostDigest
from sigdep.notifications.domain.delivery import delivery_id
from sigdep.notifications.domain.devices import Devices
from sigdep.notifications.domain.notification import notification_id
from sigdep.notifications.domain.preferences import Preferences, not_before, wants
from sigdep.notifications.events.deliveries import DeliveryRequested
from sigdep.notifications.events.inbox import Kind, NotificationId, NotificationPosted, Thing
from sigdep.notifications.events.people import Channel


class News(Struct, frozen=True, kw_only=True):
    """One thing to be told, to whomever."""

    workspace_id: WorkspaceId
    kind: Kind
    title: str
    key: str
    """Of this and of no other: whoever has been told of it is not told again."""
    occurred_at: datetime
    """UTC: when it happened, or was due."""
    body: str = ""
    thing: Thing | None = None
    link: str | None = None
    """Where the thing is to be seen: a path below the server's own address."""
    by: UserId | None = None
    """Who did it. They are never told."""
    urgent: bool = False
    items: tuple[NotificationId, ...] = ()
    """What a digest tells of."""
    more: int = 0


class Way(NamedTuple):
    """One way out, to one target."""

    channel: Channel
    target_id: UUID
    """The device; for e-mail the person."""
    not_before: datetime | None
    """UTC: until when the person wants quiet. None: it may go out now."""


class Told(NamedTuple):
    """What telling one person one thing comes to."""

    posted: NotificationPosted
    ways: tuple[Way, ...]

    def deliveries(self) -> tuple[DeliveryRequested, ...]:
        """The first event of each delivery's stream."""
        posted = self.posted
        return tuple(
            DeliveryRequested(
                delivery_id=delivery_id(posted.notification_id, way.channel, way.target_id),
                notification_id=posted.notification_id,
                workspace_id=posted.workspace_id,
                recipient_id=posted.recipient_id,
                channel=way.channel,
                target_id=way.target_id,
                not_before=way.not_before,
                at=posted.at,
            )
            for way in self.ways
        )


def tell(news: News, recipient: UserId, preferences: Preferences, devices: Devices, now: datetime) -> Told:
    """Pure: the same news for the same person has the same ids, whenever and wherever it is told."""
    posted = NotificationPosted(
        notification_id=notification_id(news.key, recipient),
        workspace_id=news.workspace_id,
        recipient_id=recipient,
        kind=news.kind,
        title=news.title,
        key=news.key,
        occurred_at=news.occurred_at,
        at=now,
        body=news.body,
        thing=news.thing,
        link=news.link,
        by=news.by,
        urgent=news.urgent,
        items=news.items,
        more=news.more,
    )
    quiet = not_before(preferences, now, urgent=news.urgent)
    targets: list[tuple[Channel, UUID]] = [("email", recipient)]
    targets += [(device.channel, device.id) for device in devices.devices]
    ways = [Way(channel, target, quiet) for channel, target in targets if wants(preferences, news.kind, channel)]
    return Told(posted, tuple(ways))


def digest_news(digest: PostDigest) -> News:
    """Of one day, for its one recipient."""
    return News(
        workspace_id=digest.workspace_id,
        kind="digest",
        title=digest.title,
        key=f"digest {digest.on}",
        occurred_at=digest.at,
        items=digest.items,
        more=digest.more,
    )
