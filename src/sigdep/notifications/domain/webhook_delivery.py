"""One event on its way to one webhook: who may try it, when it is tried again, and when nobody tries any more."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from msgspec.structs import replace

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.channel import Outcome, Postponed, Sent
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import NotFound, Refused
from sigdep.kernel.messages import State
from sigdep.notifications.commands.webhooks import RedeliverWebhook
from sigdep.notifications.events.webhook_deliveries import (
    WebhookDeliveryAttempted,
    WebhookDeliveryEvent,
    WebhookDeliveryFailed,
    WebhookDeliveryId,
    WebhookDeliveryPostponed,
    WebhookDeliveryRequested,
    WebhookDeliverySucceeded,
    WebhookDeliverySuppressed,
)
from sigdep.notifications.events.webhooks import WebhookId
from sigdep.notifications.queries.webhook_deliveries import WebhookDeliveryStanding, WebhookDeliveryView, WebhookTry

PAUSES: Final = tuple(
    timedelta(seconds=seconds) for seconds in (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Before each attempt, as Standard Webhooks proposes: the first at once, the last a day after the one before."""

JITTER: Final = 0.1
"""Each pause is longer by up to this share: those who failed together do not come back together."""

PAUSE_MAX: Final = timedelta(days=1)
"""Also where a receiver asks for more."""

TRIES_KEPT: Final = 20

UNFINISHED: Final[frozenset[WebhookDeliveryStanding]] = frozenset(("waiting", "attempting"))

_IDS: Final = UUID("a7d8cf5e-60f4-5c29-8a53-0d1e5b6b7f02")
"""Namespace (RFC 9562 §5.5) of the ids of webhooks' deliveries."""

_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")


class WebhookDelivery(State):
    """What deciding remembers, and what read models keep. What is sent is in the first event, and nowhere else."""

    id: WebhookDeliveryId = WebhookDeliveryId(_NOBODY)
    webhook_id: WebhookId = WebhookId(_NOBODY)
    workspace_id: WorkspaceId = WorkspaceId(_NOBODY)
    context: str = ""
    position: int = 0
    event_type: str = ""
    state: WebhookDeliveryStanding = "suppressed"
    next_at: datetime = _NEVER
    """When an unfinished one is to be tried: once its lease is over, where it is being tried."""
    requested_at: datetime = _NEVER
    attempts: int = 0
    """In all: what numbers them."""
    tries: int = 0
    """Since it was requested last."""
    tried: tuple[WebhookTry, ...] = ()
    finished_at: datetime | None = None
    why: str | None = None
    version: int = 0
    """Grows with every event. 0: it does not exist."""


class WebhookDeliveryNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("This webhook has no such delivery.")


def webhook_delivery_id(webhook: WebhookId, event: str) -> WebhookDeliveryId:
    """
    Args:
        event: what names it for ever: its `source` and `id`.
    """
    return WebhookDeliveryId(uuid5(_IDS, f"{webhook} {event}"))


def webhook_delivery_view(delivery: WebhookDelivery) -> WebhookDeliveryView:
    return WebhookDeliveryView(
        id=delivery.id,
        webhook_id=delivery.webhook_id,
        event_type=delivery.event_type,
        state=delivery.state,
        requested_at=delivery.requested_at,
        next_at=delivery.next_at if delivery.state in UNFINISHED else None,
        finished_at=delivery.finished_at,
        why=delivery.why,
        attempts=delivery.attempts,
        tried=delivery.tried,
    )


def redeliver(command: RedeliverWebhook, delivery: WebhookDelivery) -> list[WebhookDeliveryEvent]:
    """
    Raises:
        WebhookDeliveryNotFound.
        Refused: it is on its way.
    """
    if delivery.version == 0 or delivery.webhook_id != command.webhook_id:
        raise WebhookDeliveryNotFound
    if delivery.state == "attempting" or (delivery.state == "waiting" and delivery.next_at <= command.at):
        raise Refused("It is on its way: see what comes of it.")
    return [_once_more(delivery, command.at, by=command.by)]


def request_again(delivery: WebhookDelivery, at: datetime, *, again: bool) -> list[WebhookDeliveryEvent]:
    """For a webhook that catches up: what has not arrived; and what has, where it is a replay."""
    if delivery.state in UNFINISHED or (delivery.state == "sent" and not again):
        return []
    return [_once_more(delivery, at)]


def _once_more(delivery: WebhookDelivery, at: datetime, by: Any = None) -> WebhookDeliveryEvent:
    return WebhookDeliveryRequested(
        delivery_id=delivery.id,
        webhook_id=delivery.webhook_id,
        workspace_id=delivery.workspace_id,
        context=delivery.context,
        position=delivery.position,
        event_type=delivery.event_type,
        at=at,
        by=by,
    )


def is_due(delivery: WebhookDelivery, now: datetime) -> bool:
    """Whether it may be tried: nobody else has it on lease."""
    return delivery.state in UNFINISHED and now >= delivery.next_at


def attempt(delivery: WebhookDelivery, leased_until: datetime, at: datetime) -> WebhookDeliveryAttempted:
    return WebhookDeliveryAttempted(
        delivery_id=delivery.id,
        attempt=delivery.attempts + 1,
        leased_until=leased_until,
        at=at,
        in_doubt=delivery.state == "attempting",
    )


def conclude(
    delivery: WebhookDelivery, number: int, outcome: Outcome, at: datetime, chance: float
) -> list[WebhookDeliveryEvent]:
    """What an attempt came to. Nothing where another one has begun meanwhile; but what has arrived has arrived.

    Args:
        chance: from 0 to 1, for the pause.
    """
    if isinstance(outcome, Sent):
        if delivery.state == "sent":
            return []
        return [WebhookDeliverySucceeded(delivery_id=delivery.id, attempt=number, at=at)]
    if delivery.state != "attempting" or delivery.attempts != number:
        return []
    gone = not isinstance(outcome, Postponed) and outcome.target_is_gone
    if gone or is_exhausted(delivery):
        return [WebhookDeliveryFailed(delivery_id=delivery.id, attempt=number, why=outcome.reason, at=at)]
    asked = outcome.after_seconds if isinstance(outcome, Postponed) else None
    wait = max(PAUSES[delivery.tries] * (1 + JITTER * chance), min(timedelta(seconds=asked or 0), PAUSE_MAX))
    return [
        WebhookDeliveryPostponed(delivery_id=delivery.id, attempt=number, why=outcome.reason, until=at + wait, at=at)
    ]


def is_exhausted(delivery: WebhookDelivery) -> bool:
    """Whether it has been tried for the last time."""
    return delivery.tries >= len(PAUSES)


def evolve(delivery: WebhookDelivery, event: WebhookDeliveryEvent) -> WebhookDelivery:
    """The delivery after the event. Never raises: what is in the log has happened."""
    delivery = replace(delivery, version=delivery.version + 1)
    match event:
        case WebhookDeliveryRequested():
            return replace(
                delivery,
                id=event.delivery_id,
                webhook_id=event.webhook_id,
                workspace_id=event.workspace_id,
                context=event.context,
                position=event.position,
                event_type=event.event_type,
                state="waiting",
                next_at=event.at,
                requested_at=event.at,
                tries=0,
                finished_at=None,
                why=None,
            )
        case WebhookDeliveryAttempted():
            return _attempted(delivery, event)
        case WebhookDeliverySucceeded():
            tried = _tried(delivery, event.attempt, "sent", None)
            return replace(delivery, state="sent", tried=tried, finished_at=event.at, why=None)
        case WebhookDeliveryPostponed():
            tried = _tried(delivery, event.attempt, "failed", event.why)
            return replace(delivery, state="waiting", tried=tried, next_at=event.until, why=event.why)
        case WebhookDeliveryFailed():
            tried = _tried(delivery, event.attempt, "failed", event.why)
            return replace(delivery, state="failed", tried=tried, finished_at=event.at, why=event.why)
        case WebhookDeliverySuppressed():
            return replace(delivery, state="suppressed", finished_at=event.at, why=event.why)


def _attempted(delivery: WebhookDelivery, event: WebhookDeliveryAttempted) -> WebhookDelivery:
    before = _tried(delivery, delivery.attempts, "in_doubt", None) if event.in_doubt else delivery.tried
    this = WebhookTry(attempt=event.attempt, at=event.at, outcome="under_way", why=None)
    return replace(
        delivery,
        state="attempting",
        next_at=event.leased_until,
        attempts=event.attempt,
        tries=delivery.tries + 1,
        tried=(*before, this)[-TRIES_KEPT:],
    )


def _tried(delivery: WebhookDelivery, number: int, outcome: Any, why: str | None) -> tuple[WebhookTry, ...]:
    return tuple(replace(one, outcome=outcome, why=why) if one.attempt == number else one for one in delivery.tried)


def _decide(command: object, _delivery: WebhookDelivery) -> list[WebhookDeliveryEvent]:
    raise TypeError(f"A webhook's delivery decides about no {type(command).__name__}: see `writing/webhook_work.py`.")


WEBHOOK_DELIVERY: Final = Decider[Any, WebhookDelivery](
    category="hookdelivery", initial=WebhookDelivery(), decide=_decide, evolve=evolve, schema="hookdelivery-1"
)
