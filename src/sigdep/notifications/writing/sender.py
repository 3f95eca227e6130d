"""Sends what is to go out on one channel: the attempt is stored, the channel called, the result stored."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from time import perf_counter
from typing import Final, Protocol

from sigdep.http.stamps import internal_call, new_id
from sigdep.kernel.channel import Channel as Way
from sigdep.kernel.channel import Message, Outcome, Postponed, Sent, Undeliverable
from sigdep.kernel.clock import Clock
from sigdep.kernel.executor import Executor
from sigdep.kernel.ids import CommandId, SubjectId
from sigdep.kernel.keys import KeyDestroyed
from sigdep.kernel.lease import Holder
from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.notifications.commands.deliveries import (
    AttemptDelivery,
    DeliveryCommand,
    FailDelivery,
    PostponeDelivery,
    SucceedDelivery,
    SuppressDelivery,
)
from sigdep.notifications.domain.delivery import Delivery, decide
from sigdep.notifications.domain.notification import Notification
from sigdep.notifications.domain.preferences import wants
from sigdep.notifications.domain.retrying import pause
from sigdep.notifications.events.deliveries import DeliveryAttempted, DeliveryEvent, DeliverySuppression
from sigdep.notifications.events.people import Channel
from sigdep.notifications.queries.deliveries import (
    DueDeliveries,
    FindAbandonedDeliveries,
    FindDueDeliveries,
    WaitingDelivery,
)
from sigdep.notifications.writing.attempt import Surroundings
from sigdep.notifications.writing.due_work import DueWork, Found, Piece
from sigdep.notifications.writing.messages import Messages
from sigdep.notifications.writing.targets import Targets
from sigdep.rpc.call import Service

SENT_AT_ONCE_MAX: Final = 32
"""Calls of one channel."""

CALL_SECONDS_MAX: Final = 30.0
"""A channel that has not answered by then is given up for this time."""

LEASE: Final = timedelta(seconds=CALL_SECONDS_MAX + 15.0)
"""Longer than a call: who is still at it has its result stored before another one tries."""

HEIR: Final = timedelta(seconds=30)

OF_USE: Final = timedelta(days=2)
"""What has not gone out by then, after it might have, is of no use to anybody."""


WHY_LENGTH_MAX: Final = 500
REFERENCE_LENGTH_MAX: Final = 200
"""Characters kept of what the other side says."""

_OUTCOMES: Final[Mapping[type[DeliveryCommand], str]] = {
    SucceedDelivery: "sent",
    PostponeDelivery: "postponed",
    FailDelivery: "failed",
}


class DeliveryFigures(Protocol):
    """Whoever counts."""

    def called(self, channel: str, seconds: float) -> None:
        """
        Args:
            seconds: that the other side took to answer, or not to.
        """
        ...

    def delivered(self, channel: str, outcome: str) -> None:
        """
        Args:
            outcome: `sent`, `postponed`, `failed` or `suppressed`.
        """
        ...


class Sender:
    """Of one channel. Run its `work`. Of several at once each leaves alone what another has on lease."""

    def __init__(
        self,
        channel: Channel,
        way: Way,
        around: Surroundings,
        executor: Executor,
        *,
        read: Service,
        targets: Targets,
        messages: Messages,
        clock: Clock,
        holder: Holder,
        figures: DeliveryFigures,
        chance: Random | None = None,
    ) -> None:
        """
        Args:
            read: the reading side of this context.
            messages: what is sent of notifications.
            holder: this process. What its predecessors of the same place were trying is taken up at once.
        """
        self.work = DueWork(f"{channel} deliveries", clock, self._find, SENT_AT_ONCE_MAX)
        self._channel: Final = channel
        self._way, self._around, self._executor, self._read = way, around, executor, read
        self._targets, self._messages, self._clock, self._holder = targets, messages, clock, holder
        self._heir_until: datetime | None = None
        self._figures, self._chance = figures, chance or Random()  # noqa: S311  It spreads pauses, and hides nothing.

    async def _find(self, now: datetime, limit: int) -> Found:
        query = FindDueDeliveries(channel=self._channel, now=now, limit=limit)
        found: DueDeliveries = (await self._read.ask(query, internal_call())).value
        abandoned = await self._abandoned(now, limit)
        pieces = [Piece(one.delivery_id, one.version, partial(self._send, one)) for one in (*abandoned, *found.due)]
        return Found(pieces, found.next_at, found.since)

    async def _abandoned(self, now: datetime, limit: int) -> tuple[WaitingDelivery, ...]:
        """What earlier processes of this place were trying: for a while after a start, until all they did is seen."""
        if self._heir_until is None:
            self._heir_until = now + HEIR
        if now > self._heir_until or not self._holder.place:
            return ()
        query = FindAbandonedDeliveries(
            channel=self._channel, place=self._holder.place, incarnation=self._holder.incarnation, limit=limit
        )
        found: DueDeliveries = (await self._read.ask(query, internal_call())).value
        return found.due

    async def _send(self, one: WaitingDelivery) -> bool:
        """Whether anything was stored."""
        deliveries = self._around.deliveries
        delivery = (await deliveries.latest(deliveries.decider.stream(one.delivery_id))).state
        now = await self._clock.now()
        begin = self._attempt(delivery, now)
        if not decide(begin, delivery):
            return False  # Somebody else has it, or had it.
        if await self._is_over(delivery, now):
            return True
        target = await self._targets.find(delivery)
        if target is None:
            return await self._suppress(delivery, "target_gone", now)
        notifications = self._around.notifications
        notification = (await notifications.load(notifications.decider.stream(delivery.notification_id))).state
        if await self._is_declined(delivery, notification):
            return await self._suppress(delivery, "declined", now)
        message = await self._messages.of(delivery, notification)
        attempted = await self._begin(delivery, begin)
        if attempted is None:
            return False
        await self._end(delivery, attempted, await self._call(target, message))
        return True

    async def _is_over(self, delivery: Delivery, now: datetime) -> bool:
        """Whether nothing more is to be tried, which is recorded."""
        if now - delivery.requested_at > OF_USE:
            await self._suppress(delivery, "too_old", now)
            return True
        if await self._around.members.are_members(delivery.workspace_id, (delivery.recipient_id,)):
            await self._suppress(delivery, "not_a_member", now)
            return True
        if delivery.state == "attempting" and pause(self._channel, delivery.failures, 0.0) is None:
            why = f"Given up after {delivery.failures} attempts: the last one has no result."
            command = _failed(delivery, delivery.attempts, why, now)
            await self._record(delivery, command)
            self._figures.delivered(self._channel, "failed")
            return True
        return False

    async def _is_declined(self, delivery: Delivery, notification: Notification) -> bool:
        """Whether its person wants no such thing by this way any more. Quiet hours and retries leave time for that."""
        return not wants(await self._around.wishes_of(delivery.recipient_id), notification.kind, delivery.channel)

    def _attempt(self, delivery: Delivery, now: datetime) -> AttemptDelivery:
        return AttemptDelivery(
            delivery_id=delivery.id,
            by=self._holder.place,
            incarnation=self._holder.incarnation,
            leased_until=now + LEASE,
            at=now,
        )

    async def _begin(self, delivery: Delivery, command: AttemptDelivery) -> DeliveryAttempted | None:
        """Store that it is attempted. None: somebody else was faster."""
        events = await self._record(delivery, command)
        return next((event for event in events if isinstance(event, DeliveryAttempted)), None)

    async def _call(self, target: bytes, message: Message) -> Outcome:
        began = perf_counter()
        try:
            async with asyncio.timeout(CALL_SECONDS_MAX):
                return await self._way.send(target, message)
        except TimeoutError:
            return Postponed(reason=f"No answer within {CALL_SECONDS_MAX:.0f} seconds.")
        finally:
            self._figures.called(self._channel, perf_counter() - began)

    async def _end(self, delivery: Delivery, attempted: DeliveryAttempted, outcome: Outcome) -> None:
        """Store what came of it. A cancelled call leaves the attempt without a result, as a crash does."""
        at = await self._clock.now()
        command = self._result(delivery, attempted.attempt, outcome, at)
        await self._record(delivery, command)
        self._figures.delivered(self._channel, _OUTCOMES[type(command)])
        if isinstance(outcome, Undeliverable) and outcome.target_is_gone:
            await self._targets.forget(delivery)

    def _result(self, delivery: Delivery, number: int, outcome: Outcome, at: datetime) -> DeliveryCommand:
        match outcome:
            case Sent():
                reference = outcome.reference[:REFERENCE_LENGTH_MAX]
                return SucceedDelivery(delivery_id=delivery.id, attempt=number, reference=reference, at=at)
            case Undeliverable():
                return _failed(delivery, number, outcome.reason, at, gone=outcome.target_is_gone)
            case Postponed():
                failures = delivery.failures + 1
                wait = pause(self._channel, failures, self._chance.random(), outcome.after_seconds)
                if wait is None:
                    return _failed(delivery, number, f"Given up after {failures} attempts: {outcome.reason}", at)
                why = outcome.reason[:WHY_LENGTH_MAX]
                return PostponeDelivery(delivery_id=delivery.id, attempt=number, why=why, until=at + wait, at=at)

    async def _suppress(self, delivery: Delivery, why: DeliverySuppression, now: datetime) -> bool:
        stored = await self._record(delivery, SuppressDelivery(delivery_id=delivery.id, why=why, at=now))
        if stored:
            self._figures.delivered(self._channel, "suppressed")
        return bool(stored)

    async def _record(self, delivery: Delivery, command: DeliveryCommand) -> Sequence[DeliveryEvent]:
        """What was stored: nothing, where somebody else was faster or the workspace has been erased."""
        deliveries, events = self._around.deliveries, list[DeliveryEvent]()

        async def work(unit: UnitOfWork) -> None:
            events[:] = decide(command, await unit.load(deliveries, delivery.id))
            unit.record(deliveries, delivery.id, SubjectId(delivery.workspace_id), events)

        call = internal_call()
        try:
            await self._executor.execute(delivery.workspace_id, CommandId(new_id()), work, metadata=call.metadata)
        except KeyDestroyed:
            return ()
        return events


def _failed(delivery: Delivery, number: int, why: str, at: datetime, *, gone: bool = False) -> FailDelivery:
    return FailDelivery(delivery_id=delivery.id, attempt=number, why=why[:WHY_LENGTH_MAX], at=at, target_is_gone=gone)
