"""What is done for webhooks without anybody asking: they are told of what happens, catch up, and are delivered to."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.channel import Message, Outcome
from sigdep.kernel.executor import Executor
from sigdep.kernel.ids import Version
from sigdep.notifications.domain.webhook import Behind, Webhook, secrets_at, wants
from sigdep.notifications.domain.webhook_decisions import miss
from sigdep.notifications.domain.webhook_delivery import (
    UNFINISHED,
    WebhookDelivery,
    attempt,
    conclude,
    is_due,
    is_exhausted,
    request_again,
    webhook_delivery_id,
)
from sigdep.notifications.events.webhook_deliveries import (
    WebhookDeliveryFailed,
    WebhookDeliveryId,
    WebhookDeliveryRequested,
    WebhookDeliverySucceeded,
    WebhookDeliverySuppressed,
)
from sigdep.notifications.events.webhooks import WebhookCaughtUp, WebhookDisabled, WebhookId
from sigdep.notifications.writing.attempt import Attempt, Surroundings
from sigdep.notifications.writing.hearing import Heard
from sigdep.notifications.writing.unasked import execute_unasked
from sigdep.notifications.writing.webhook_ends import tell_of_disabled

LEASE: Final = timedelta(seconds=60)
"""Longer than a receiver may take: whoever is still at it has its result stored before another one tries."""

WHY_LENGTH_MAX: Final = 500

NO_RESULT: Final = "It is not known what came of the last attempt."


class Begun(NamedTuple):
    """An attempt that is stored, and is to be made now."""

    delivery_id: WebhookDeliveryId
    workspace_id: WorkspaceId
    number: int
    url: str
    secrets: tuple[str, ...]
    message: Message


class Ended(NamedTuple):
    """What a delivery has come to, for now or for good."""

    outcome: Literal["sent", "postponed", "failed", "suppressed"]
    disabled: bool = False
    """Its webhook is, since this one has failed."""


class WebhookWork:
    """Every method is safe to repeat, and for two processes to do at once."""

    def __init__(self, around: Surroundings, executor: Executor) -> None:
        self._around, self._executor = around, executor

    async def has_webhooks(self, workspace: WorkspaceId) -> bool:
        lists = self._around.webhook_lists
        stream = lists.decider.stream(workspace)
        listed = await lists.latest(stream)
        if not listed.state.webhook_ids:  # As almost everywhere: so it is worth remembering.
            lists.remember(stream, listed.state, listed.version)
        return bool(listed.state.webhook_ids)

    async def tell(self, workspace: WorkspaceId, event: Heard, at: datetime) -> None:
        """Record that the webhooks of a workspace are to be told of an event that has happened just now."""
        lists = self._around.webhook_lists

        async def work(attempt: Attempt) -> None:
            for webhook_id in (await attempt.unit.load(lists, workspace)).webhook_ids:
                await _tell(attempt, await attempt.unit.load(attempt.around.webhooks, webhook_id), event, at)

        await self._execute(workspace, at, work)

    async def webhook(self, webhook_id: WebhookId) -> Webhook:
        webhooks = self._around.webhooks
        return (await webhooks.refresh(webhooks.decider.stream(webhook_id))).state

    async def catch_up(
        self, webhook: Webhook, context: str, events: Sequence[Heard], reached: int, *, finished: bool, at: datetime
    ) -> Webhook:
        """Record that a webhook is to be told of events that it has missed, and how far that has come.

        Nothing is recorded where it has changed since: begin with what is returned.
        """
        seen: Behind | None = webhook.behind.get(context)

        async def work(attempt: Attempt) -> None:
            now = await attempt.unit.load(attempt.around.webhooks, webhook.id)
            if seen is None or now.state != "active" or now.behind.get(context) != seen:
                return
            for event in events:
                if wants(now, event.type):
                    await _request(attempt, now, event, at, again=seen)
            caught_up = WebhookCaughtUp(webhook_id=now.id, context=context, reached=reached, finished=finished, at=at)
            attempt.record(attempt.around.webhooks, now.id, [caught_up])

        await self._execute(webhook.workspace_id, at, work)
        return await self.webhook(webhook.id)

    async def begin(self, delivery_id: WebhookDeliveryId, at: datetime) -> Begun | Ended | None:
        """Store that a delivery is attempted, or that it is not to be. None: somebody else has it, or it is gone."""
        deliveries, webhooks = self._around.webhook_deliveries, self._around.webhooks
        found = (await deliveries.refresh(deliveries.decider.stream(delivery_id))).state
        come: list[Begun | Ended] = []
        if not is_due(found, at):
            return None
        message = await self._message(found)
        if message is None:
            return None

        async def work(unit: Attempt) -> None:
            come.clear()
            delivery = await unit.unit.load(deliveries, delivery_id)
            if not is_due(delivery, at):
                return
            webhook = await unit.unit.load(webhooks, delivery.webhook_id, guard=True)
            if webhook.state != "active":
                _leave(unit, webhook, delivery, at)
                come.append(Ended("suppressed"))
            elif delivery.state == "attempting" and is_exhausted(delivery):
                come.append(await self._give_up(unit, webhook, delivery, NO_RESULT, at))
            else:
                attempted = attempt(delivery, at + LEASE, at)
                unit.record(deliveries, delivery_id, [attempted])
                secrets = secrets_at(webhook, at)
                place = delivery.workspace_id
                come.append(Begun(delivery_id, place, attempted.attempt, webhook.url, secrets, message))

        await self._execute(found.workspace_id, at, work)
        return come[0] if come else None

    async def end(self, begun: Begun, outcome: Outcome, at: datetime, chance: float) -> Ended | None:
        """Store what an attempt came to. After the last one, and where nobody listens any more, disable the webhook.

        None: nothing is stored, since another attempt has begun meanwhile.
        """
        deliveries, webhooks = self._around.webhook_deliveries, self._around.webhooks
        come: list[Ended] = []

        async def work(unit: Attempt) -> None:
            come.clear()
            delivery = await unit.unit.load(deliveries, begun.delivery_id)
            events = conclude(delivery, begun.number, outcome, at, chance)
            for event in events:
                if isinstance(event, WebhookDeliveryFailed):
                    webhook = await unit.unit.load(webhooks, delivery.webhook_id)
                    come.append(await self._give_up(unit, webhook, delivery, event.why[:WHY_LENGTH_MAX], at))
                else:
                    unit.record(deliveries, delivery.id, [event])
                    come.append(Ended("sent" if isinstance(event, WebhookDeliverySucceeded) else "postponed"))

        await self._execute(begun.workspace_id, at, work)
        return come[0] if come else None

    async def _give_up(
        self, unit: Attempt, webhook: Webhook, delivery: WebhookDelivery, why: str, at: datetime
    ) -> Ended:
        """The delivery has failed, so its webhook is disabled, and whoever keeps it is told: all or nothing."""
        failed = WebhookDeliveryFailed(delivery_id=delivery.id, attempt=delivery.attempts, why=why, at=at)
        unit.record(self._around.webhook_deliveries, delivery.id, [failed])
        if webhook.state != "active":
            return Ended("failed")
        disabled = WebhookDisabled(webhook_id=webhook.id, why=why, at=at)
        missed = miss(webhook, delivery.context, delivery.position, at)
        unit.record(self._around.webhooks, webhook.id, [disabled, *missed])
        await tell_of_disabled(unit, webhook, why, webhook.kept_by)
        return Ended("failed", disabled=True)

    async def _message(self, delivery: WebhookDelivery) -> Message | None:
        """As it was recorded first: it is kept in the log alone, sealed. None: it has been erased."""
        stream = self._around.webhook_deliveries.decider.stream(delivery.id)
        (first,) = (await self._around.store.read(stream, until=Version(1))).events
        requested = first.event
        if not isinstance(requested, WebhookDeliveryRequested):
            return None
        return Message(
            key=str(delivery.id),
            kind=delivery.event_type,
            title=delivery.event_type,
            occurred_at=requested.at,
            document=requested.document.encode(),
        )

    async def _execute(
        self, workspace: WorkspaceId, at: datetime, perform: Callable[[Attempt], Awaitable[None]]
    ) -> None:
        await execute_unasked(self._around, self._executor, workspace, at, perform)


async def _tell(attempt: Attempt, webhook: Webhook, event: Heard, at: datetime) -> None:
    if event.position <= webhook.begins.get(event.context, 0) or not wants(webhook, event.type):
        return
    if webhook.state == "active":
        await _request(attempt, webhook, event, at)
    elif webhook.state != "deleted":
        attempt.record(attempt.around.webhooks, webhook.id, miss(webhook, event.context, event.position, at))


async def _request(attempt: Attempt, webhook: Webhook, event: Heard, at: datetime, again: Behind | None = None) -> None:
    """
    Args:
        again: what it has missed, or what is replayed. None: it has happened just now.
    """
    deliveries, identity = attempt.around.webhook_deliveries, webhook_delivery_id(webhook.id, event.name)
    delivery = await attempt.unit.load(deliveries, identity)
    if delivery.version:
        if again is not None:
            attempt.record(deliveries, identity, request_again(delivery, at, again=again.again))
        return
    requested = WebhookDeliveryRequested(
        delivery_id=identity,
        webhook_id=webhook.id,
        workspace_id=webhook.workspace_id,
        context=event.context,
        position=event.position,
        event_type=event.type,
        document=event.document,
        at=at,
    )
    attempt.record(deliveries, identity, [requested])


def _leave(unit: Attempt, webhook: Webhook, delivery: WebhookDelivery, at: datetime) -> None:
    """Its webhook is not active: it is not sent, and is among what the webhook is told once it is again."""
    assert delivery.state in UNFINISHED
    state = webhook.state
    assert state != "active"
    suppressed = WebhookDeliverySuppressed(delivery_id=delivery.id, why=state, at=at)
    unit.record(unit.around.webhook_deliveries, delivery.id, [suppressed])
    if state != "deleted":
        unit.record(unit.around.webhooks, webhook.id, miss(webhook, delivery.context, delivery.position, at))
