"""What a delivery decides: one attempt at a time, nothing hidden of those without a result, and an end."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.notifications.commands.deliveries import (
    AttemptDelivery,
    FailDelivery,
    PostponeDelivery,
    SucceedDelivery,
    SuppressDelivery,
)
from sigdep.notifications.domain.delivery import DELIVERY, delivery_id
from sigdep.notifications.domain.retrying import ASKED_PAUSE_MAX, PAUSES, SPREAD, pause
from sigdep.notifications.events.deliveries import (
    DeliveryAttempted,
    DeliveryFailed,
    DeliveryPostponed,
    DeliveryRequested,
    DeliverySucceeded,
    DeliverySuppressed,
)
from sigdep.notifications.events.inbox import NotificationId
from sigdep.testing.given import Given

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TOLD, ADA = NotificationId(UUID(int=9)), UserId(UUID(int=1))
ID = delivery_id(TOLD, "email", ADA)

given = Given(DELIVERY)

_request: dict[str, Any] = {
    "delivery_id": ID,
    "notification_id": TOLD,
    "workspace_id": WorkspaceId(UUID(int=64)),
    "recipient_id": ADA,
    "channel": "email",
    "target_id": ADA,
    "at": NOON,
}
requested = DeliveryRequested(**_request)


def attempt(at: datetime, by: str = "one", incarnation: int = 1) -> AttemptDelivery:
    return AttemptDelivery(delivery_id=ID, by=by, incarnation=incarnation, leased_until=at + 30 * SECOND, at=at)


def attempted(
    number: int, at: datetime, by: str = "one", *, in_doubt: bool = False, incarnation: int = 1
) -> DeliveryAttempted:
    return DeliveryAttempted(
        delivery_id=ID,
        attempt=number,
        by=by,
        incarnation=incarnation,
        leased_until=at + 30 * SECOND,
        at=at,
        in_doubt=in_doubt,
    )


def succeed(number: int, at: datetime) -> SucceedDelivery:
    return SucceedDelivery(delivery_id=ID, attempt=number, reference="250", at=at)


def succeeded(number: int, at: datetime) -> DeliverySucceeded:
    return DeliverySucceeded(delivery_id=ID, attempt=number, reference="250", at=at)


def test_it_is_attempted_by_one_and_sent_once() -> None:
    past = given(requested).when(attempt(NOON)).then(attempted(1, NOON))
    past.when(attempt(NOON + SECOND, by="two")).then()
    sent = past.when(succeed(1, NOON + SECOND)).then(succeeded(1, NOON + SECOND))
    sent.when(attempt(NOON + 60 * SECOND, by="two")).then()
    sent.when(succeed(1, NOON + 2 * SECOND)).then()


def test_quiet_hours_are_waited_for() -> None:
    quiet = DeliveryRequested(**_request, not_before=NOON + 60 * SECOND)
    given(quiet).when(attempt(NOON + 59 * SECOND)).then()
    given(quiet).when(attempt(NOON + 60 * SECOND)).then(attempted(1, NOON + 60 * SECOND))


def test_an_attempt_without_a_result_is_in_doubt_and_repeated_when_its_lease_is_over() -> None:
    later = NOON + 30 * SECOND
    past = given(requested, attempted(1, NOON)).when(attempt(later, by="two"))
    doubted = past.then(attempted(2, later, by="two", in_doubt=True))
    assert doubted.state.in_doubt == 1


def test_who_takes_the_place_of_one_that_died_need_not_wait_for_its_lease() -> None:
    again = attempted(2, NOON + SECOND, in_doubt=True, incarnation=2)
    past = given(requested, attempted(1, NOON))
    past.when(attempt(NOON + SECOND, incarnation=2)).then(again).when(attempt(NOON + SECOND, incarnation=2)).then()
    past.when(attempt(NOON + SECOND, by="two", incarnation=2)).then()
    nowhere = given(requested, attempted(1, NOON, by=""))
    nowhere.when(attempt(NOON + SECOND, by="", incarnation=2)).then()


def test_a_result_that_comes_late_counts_where_it_arrived_and_else_not() -> None:
    later = NOON + 30 * SECOND
    past = given(requested, attempted(1, NOON), attempted(2, later, in_doubt=True))
    past.when(PostponeDelivery(delivery_id=ID, attempt=1, why="busy", until=later + 60 * SECOND, at=later)).then()
    past.when(FailDelivery(delivery_id=ID, attempt=1, why="no such address", at=later)).then()
    past.when(succeed(1, later + SECOND)).then(succeeded(1, later + SECOND)).when(succeed(2, later)).then()


def test_what_is_postponed_is_tried_again_then_and_not_before() -> None:
    until = NOON + 10 * SECOND
    put_off = DeliveryPostponed(delivery_id=ID, attempt=1, why="busy", until=until, at=NOON)
    past = given(requested, attempted(1, NOON)).when(
        PostponeDelivery(delivery_id=ID, attempt=1, why="busy", until=until, at=NOON)
    )
    waiting = past.then(put_off)
    waiting.when(attempt(until - SECOND)).then()
    waiting.when(attempt(until)).then(attempted(2, until))


def test_what_has_failed_or_is_suppressed_is_over() -> None:
    failed = DeliveryFailed(delivery_id=ID, attempt=1, why="no such address", target_is_gone=True, at=NOON)
    given(requested, attempted(1, NOON), failed).when(attempt(NOON + 60 * SECOND)).then()
    suppressed = DeliverySuppressed(delivery_id=ID, why="target_gone", at=NOON)
    past = given(requested).when(SuppressDelivery(delivery_id=ID, why="target_gone", at=NOON)).then(suppressed)
    past.when(attempt(NOON + 60 * SECOND)).then()


def test_asked_for_once_more_it_goes_out_with_its_attempts_counted_on() -> None:
    failed = DeliveryFailed(delivery_id=ID, attempt=1, why="no such address", at=NOON)
    past = given(requested, attempted(1, NOON), failed, requested).when(attempt(NOON + SECOND))
    state = past.then(attempted(2, NOON + SECOND)).state
    assert (state.attempts, state.failures) == (2, 1)


@pytest.mark.parametrize("channel", sorted(PAUSES))
def test_pauses_grow_are_spread_and_end(channel: Any) -> None:
    shortest = [pause(channel, failures, 0.0) for failures in range(1, len(PAUSES[channel]) + 1)]
    assert shortest == sorted(shortest, key=lambda one: one or timedelta())
    assert pause(channel, 1, 1.0) == PAUSES[channel][0] * (1 + SPREAD)
    assert pause(channel, len(PAUSES[channel]) + 1, 0.0) is None


def test_who_asks_for_more_time_gets_it_within_bounds() -> None:
    assert pause("fcm", 1, 0.0, asked_seconds=75) == 75 * SECOND
    assert pause("fcm", 1, 0.0, asked_seconds=1) == PAUSES["fcm"][0]
    assert pause("fcm", 1, 0.0, asked_seconds=1e6) == ASKED_PAUSE_MAX
