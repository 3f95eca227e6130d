"""A delivery: one notification on its way out by one channel to one target, who may try it, and what a result means."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from msgspec.structs import replace

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.messages import State
from sigdep.notifications.commands.deliveries import (
    AttemptDelivery,
    DeliveryCommand,
    FailDelivery,
    PostponeDelivery,
    SucceedDelivery,
    SuppressDelivery,
)
from sigdep.notifications.events.deliveries import (
    DeliveryAttempted,
    DeliveryEvent,
    DeliveryFailed,
    DeliveryId,
    DeliveryPostponed,
    DeliveryRequested,
    DeliverySucceeded,
    DeliverySuppressed,
)
from sigdep.notifications.events.inbox import NotificationId
from sigdep.notifications.events.people import Channel
from sigdep.notifications.queries.deliveries import DeliveryState

_IDS: Final = UUID("2b9c6f0e-2f5e-5a0b-8f5f-7a1d0c3e9b58")
"""Namespace (RFC 9562 §5.5) of the ids of deliveries."""


UNFINISHED: Final[frozenset[DeliveryState]] = frozenset({"waiting", "attempting"})


class Delivery(State):
    """A delivery: what deciding remembers, and what read models keep, in one shape."""

    id: DeliveryId
    notification_id: NotificationId
    workspace_id: WorkspaceId
    recipient_id: UserId
    channel: Channel
    target_id: UUID
    state: DeliveryState
    next_at: datetime
    """When an unfinished one is to be tried: once its lease is over, where it is being tried."""
    requested_at: datetime
    attempts: int
    """In all, those of former requests included: what numbers them."""
    failures: int
    """Attempts since it was requested last: what its pauses grow by."""
    attempted_by: str
    """The place of the process that tried last, and which of its processes it was."""
    incarnation: int
    in_doubt: int
    """How many attempts have no result: any of them may have arrived."""
    finished_at: datetime | None
    why: str | None
    """Of the last failure, or of its suppression."""
    version: int
    """Grows with every event. 0: it does not exist."""


_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

ABSENT: Final = Delivery(
    id=DeliveryId(_NOBODY),
    notification_id=NotificationId(_NOBODY),
    workspace_id=WorkspaceId(_NOBODY),
    recipient_id=UserId(_NOBODY),
    channel="email",
    target_id=_NOBODY,
    state="suppressed",
    next_at=_NEVER,
    requested_at=_NEVER,
    attempts=0,
    failures=0,
    attempted_by="",
    incarnation=0,
    in_doubt=0,
    finished_at=None,
    why=None,
    version=0,
)


def delivery_id(notification: NotificationId, channel: Channel, target_id: UUID) -> DeliveryId:
    """The same for the same notification by the same way. It is the key that receivers know a repeat by."""
    return DeliveryId(uuid5(_IDS, f"{notification} {channel} {target_id}"))


def decide(command: DeliveryCommand, delivery: Delivery) -> list[DeliveryEvent]:
    """Refuses nothing: whoever comes too late, or is not needed any more, changes nothing."""
    match command:
        case AttemptDelivery():
            return _attempt(command, delivery)
        case SucceedDelivery():
            return _succeed(command, delivery)
        case PostponeDelivery() | FailDelivery():
            return _give_back(command, delivery)
        case SuppressDelivery():
            if delivery.state not in UNFINISHED:
                return []
            return [DeliverySuppressed(delivery_id=command.delivery_id, why=command.why, at=command.at)]


def _attempt(command: AttemptDelivery, delivery: Delivery) -> list[DeliveryEvent]:
    """Nothing where it is finished, its time has not come, or somebody else has it on lease."""
    if delivery.state not in UNFINISHED or (command.at < delivery.next_at and not is_abandoned(delivery, command)):
        return []
    return [
        DeliveryAttempted(
            delivery_id=command.delivery_id,
            attempt=delivery.attempts + 1,
            by=command.by,
            incarnation=command.incarnation,
            leased_until=command.leased_until,
            at=command.at,
            in_doubt=delivery.state == "attempting",
        )
    ]


def is_abandoned(delivery: Delivery, command: AttemptDelivery) -> bool:
    """Whoever tried it has died, for another process has taken its place."""
    is_theirs = command.by != "" and delivery.attempted_by == command.by
    return delivery.state == "attempting" and is_theirs and delivery.incarnation < command.incarnation


def _succeed(command: SucceedDelivery, delivery: Delivery) -> list[DeliveryEvent]:
    """What has arrived has arrived, also by an attempt that had been given up: whoever tries again may stop."""
    if delivery.version == 0 or delivery.state in ("sent", "suppressed"):
        return []
    return [
        DeliverySucceeded(
            delivery_id=command.delivery_id, attempt=command.attempt, reference=command.reference, at=command.at
        )
    ]


def _give_back(command: PostponeDelivery | FailDelivery, delivery: Delivery) -> list[DeliveryEvent]:
    """Nothing where another attempt has begun meanwhile: that one's result counts."""
    if delivery.state != "attempting" or delivery.attempts != command.attempt:
        return []
    if isinstance(command, PostponeDelivery):
        return [
            DeliveryPostponed(
                delivery_id=command.delivery_id,
                attempt=command.attempt,
                why=command.why,
                until=command.until,
                at=command.at,
            )
        ]
    return [
        DeliveryFailed(
            delivery_id=command.delivery_id,
            attempt=command.attempt,
            why=command.why,
            target_is_gone=command.target_is_gone,
            at=command.at,
        )
    ]


def evolve(delivery: Delivery, event: DeliveryEvent) -> Delivery:
    """The delivery after the event. Never raises: what is in the log has happened."""
    version = delivery.version + 1
    match event:
        case DeliveryRequested():
            return _requested(delivery, event, version)
        case DeliveryAttempted():
            return replace(
                delivery,
                state="attempting",
                next_at=event.leased_until,
                attempts=event.attempt,
                failures=delivery.failures + 1,
                attempted_by=event.by,
                incarnation=event.incarnation,
                in_doubt=delivery.in_doubt + event.in_doubt,
                version=version,
            )
        case DeliverySucceeded():
            return replace(delivery, state="sent", finished_at=event.at, why=None, version=version)
        case DeliveryPostponed():
            return replace(delivery, state="waiting", next_at=event.until, why=event.why, version=version)
        case DeliveryFailed():
            return replace(delivery, state="failed", finished_at=event.at, why=event.why, version=version)
        case DeliverySuppressed():
            return replace(delivery, state="suppressed", finished_at=event.at, why=event.why, version=version)


def _requested(before: Delivery, event: DeliveryRequested, version: int) -> Delivery:
    return replace(
        before,
        id=event.delivery_id,
        notification_id=event.notification_id,
        workspace_id=event.workspace_id,
        recipient_id=event.recipient_id,
        channel=event.channel,
        target_id=event.target_id,
        state="waiting",
        next_at=event.not_before or event.at,
        requested_at=event.at,
        failures=0,
        finished_at=None,
        why=None,
        version=version,
    )


DELIVERY: Final = Decider[Any, Delivery](
    category="delivery", initial=ABSENT, decide=decide, evolve=evolve, schema="delivery-1"
)
"""Begun by whoever tells somebody: see `writing/telling.py`."""
