"""A delivery: one notification on its way out by one channel to one target."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid5

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.messages import State
from sigdep.notifications.events import Channel, DeliveryId, DeliveryRequested, NotificationId

_IDS: Final = UUID("2b9c6f0e-2f5e-5a0b-8f5f-7a1d0c3e9b58")
"""Namespace (RFC 9562 §5.5) of the ids of deliveries."""

_NOBODY: Final = UUID(int=0)


class Delivery(State):
    id: DeliveryId = DeliveryId(_NOBODY)
    notification_id: NotificationId = NotificationId(_NOBODY)
    workspace_id: WorkspaceId = WorkspaceId(_NOBODY)
    recipient_id: UserId = UserId(_NOBODY)
    channel: Channel = "email"
    target_id: UUID = _NOBODY
    state: Literal["absent", "requested"] = "absent"
    not_before: datetime | None = None
    version: int = 0
    """Grows with every event. 0: it does not exist."""


def delivery_id(notification: NotificationId, channel: Channel, target_id: UUID) -> DeliveryId:
    """The same for the same notification by the same way. It is the key that receivers know a repeat by."""
    return DeliveryId(uuid5(_IDS, f"{notification} {channel} {target_id}"))


def decide(command: object, delivery: Delivery) -> list[DeliveryRequested]:
    raise TypeError(f"A delivery decides about no {type(command).__name__}.")


def evolve(delivery: Delivery, event: DeliveryRequested) -> Delivery:
    """The delivery after the event. Never raises: what is in the log has happened."""
    match event:
        case DeliveryRequested():
            return Delivery(
                id=event.delivery_id,
                notification_id=event.notification_id,
                workspace_id=event.workspace_id,
                recipient_id=event.recipient_id,
                channel=event.channel,
                target_id=event.target_id,
                state="requested",
                not_before=event.not_before,
                version=1,
            )


DELIVERY: Final = Decider[Any, Delivery](
    category="delivery", initial=Delivery(), decide=decide, evolve=evolve, schema="delivery-1"
)
