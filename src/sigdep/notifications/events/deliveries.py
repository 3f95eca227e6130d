"""What has happened to notifications on their way out.

Stream `delivery-<delivery id>`, in the workspace of the notification. Instants are UTC.
"""

from datetime import datetime
from typing import Literal, NewType
from uuid import UUID

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Event
from sigdep.notifications.events.inbox import NotificationId
from sigdep.notifications.events.people import Channel

DeliveryId = NewType("DeliveryId", UUID)
"""Made of the notification, the channel and the target."""


class DeliveryRequested(Event, omit_defaults=True):
    """A notification is to go out on a channel. A second time: whoever may has asked for it once more."""

    delivery_id: DeliveryId
    notification_id: NotificationId
    workspace_id: WorkspaceId
    recipient_id: UserId
    channel: Channel
    target_id: UUID
    """The device; for e-mail the person, whose address is asked for when it goes out, and stored nowhere here."""
    at: datetime
    not_before: datetime | None = None
    """The person's quiet hours end then. None: at once."""


class DeliveryAttempted(Event, omit_defaults=True):
    """Stored before the channel is called, so that no call was ever made that nobody knows of."""

    delivery_id: DeliveryId
    attempt: int
    """From 1."""
    by: str
    """The place of the process that makes it, see `Holder`. Empty: nobody has said so."""
    incarnation: int
    """Of the processes of that place."""
    leased_until: datetime
    """Whoever finds no result by then may try again, with the same key; a later process of the place at once."""
    at: datetime
    in_doubt: bool = False
    """The attempt before has no result: it may have arrived, and this one may be a repeat that its key tells."""


class DeliverySucceeded(Event, omit_defaults=True):
    """The other side has taken it."""

    delivery_id: DeliveryId
    attempt: int
    at: datetime
    reference: str = ""
    """By which the other side knows it."""


class DeliveryPostponed(Event):
    """The attempt failed, and another one follows."""

    delivery_id: DeliveryId
    attempt: int
    why: str
    until: datetime
    at: datetime


class DeliveryFailed(Event, omit_defaults=True):
    """Nothing more is tried."""

    delivery_id: DeliveryId
    attempt: int
    why: str
    at: datetime
    target_is_gone: bool = False
    """Nothing will ever reach the target again."""


DeliverySuppression = Literal["target_gone", "not_a_member", "too_old", "declined"]
"""`declined`: the person has said meanwhile that they want no such thing by this way."""


class DeliverySuppressed(Event):
    """It was not sent, for there is no use in it any more."""

    delivery_id: DeliveryId
    why: DeliverySuppression
    at: datetime


DeliveryEvent = (
    DeliveryRequested | DeliveryAttempted | DeliverySucceeded | DeliveryPostponed | DeliveryFailed | DeliverySuppressed
)
