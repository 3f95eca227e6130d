"""What can be asked about notifications on their way out, and the shapes of those answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.messages import Query
from sigdep.notifications.events.deliveries import DeliveryId
from sigdep.notifications.events.inbox import NotificationId
from sigdep.notifications.events.people import Channel

DeliveryState = Literal["waiting", "attempting", "sent", "failed", "suppressed"]


class FindDueDeliveries(Query):
    """Some on one channel whose time has come, and when the next one is to be tried. Asked by the sender."""

    channel: Channel
    now: datetime
    limit: int


class FindAbandonedDeliveries(Query):
    """Some on one channel that earlier processes of a place were trying when they died. Asked by the sender."""

    channel: Channel
    place: str
    incarnation: int
    """Of the present process of the place."""
    limit: int


class DeliveryStep(Struct, frozen=True, kw_only=True):
    """Something that has happened to a delivery."""

    what: Literal["requested", "attempted", "sent", "postponed", "failed", "suppressed"]
    at: datetime
    attempt: int | None = None
    until: datetime | None = None
    """Not to be tried before."""
    in_doubt: bool | None = None
    """The attempt before has no result: it may have arrived."""
    why: str | None = None
    reference: str | None = None
    """By which the other side knows it."""


class DeliveryView(Struct, frozen=True, kw_only=True):
    """A notification on its way out by one channel."""

    id: DeliveryId
    notification_id: NotificationId
    channel: Channel
    target_id: UUID
    """The device. By e-mail: you."""
    state: DeliveryState
    attempts: int
    in_doubt: int
    """Attempts without a result: any of them may have arrived."""
    why: str | None
    steps: Sequence[DeliveryStep]


class WaitingDelivery(Struct, frozen=True, kw_only=True):
    delivery_id: DeliveryId
    workspace_id: WorkspaceId
    version: int


class DueDeliveries(Struct, frozen=True, kw_only=True):
    due: tuple[WaitingDelivery, ...]
    next_at: datetime | None
    since: datetime | None = None
    """When the one was due that has been due longest."""
