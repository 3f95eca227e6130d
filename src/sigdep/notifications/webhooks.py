"""What runs for webhooks beside the services: they are told what happens, catch up, and are delivered to."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import aclosing
from datetime import datetime
from random import Random
from typing import Any, Final

import msgspec
import structlog

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.public_log import EVERY_TYPE
from sigdep.http.stamps import internal_call
from sigdep.kernel.channel import Channel, Outcome, Postponed
from sigdep.kernel.clock import Clock
from sigdep.kernel.errors import SigdepError
from sigdep.kernel.ids import Position, partition_of
from sigdep.notifications.domain.webhook import Webhook, wants
from sigdep.notifications.events.webhook_deliveries import WebhookDeliveryId
from sigdep.notifications.events.webhooks import WebhookId
from sigdep.notifications.queries.webhook_deliveries import FindDueWebhookDeliveries, WebhookDeliveryPlace
from sigdep.notifications.queries.webhooks import FindWebhooksBehind, WebhookPlace
from sigdep.notifications.writing.hearing import Heard, Source, heard
from sigdep.notifications.writing.webhook_work import Begun, WebhookWork
from sigdep.rpc.call import Service

UNDER_WAY_MAX: Final = 200
OF_ONE_WEBHOOK_MAX: Final = 8
"""Deliveries at once. More are left for the next look."""

LOOK_SECONDS: Final = 1.0
BUSY_SECONDS: Final = 0.05
"""Between looks, where the last one found something: the reading side has seen by then what has begun."""

BEHIND_AT_ONCE: Final = 20
TOLD_AT_ONCE: Final = 100
"""Events that one append makes deliveries of."""

CALL_SECONDS_MAX: Final = 30.0
"""Far over what the channel itself allows a receiver."""

CATCH_UP_SECONDS_MAX: Final = 30.0
"""Then the next one has its turn: it goes on from where it has come."""

_log = structlog.get_logger(__name__)


class WebhookReactions:
    """Has the webhooks of a workspace told of what happens in it. Safe to repeat: each has one delivery of an event."""

    types: Final[Collection[str]] = EVERY_TYPE

    def __init__(self, work: WebhookWork, clock: Clock) -> None:
        """
        Args:
            clock: by which deliveries are due, the same for all who hear and send.
        """
        self._work, self._clock = work, clock

    async def react(self, event: CloudEvent) -> None:
        workspace = event.workspaceid
        if workspace is None or not await self._work.has_webhooks(workspace):
            return
        told = heard(event)
        if told is not None:
            await self._work.tell(workspace, told, await self._clock.now())


class WebhookCatchUp:
    """Has webhooks told of what they have missed, and of what is replayed. Run `run_due` every second or so."""

    def __init__(self, work: WebhookWork, read: Service, sources: Mapping[str, Source], clock: Clock) -> None:
        """
        Args:
            clock: by which deliveries are due, the same for all who hear and send.
        """
        self._work, self._read, self._sources, self._clock = work, read, sources, clock

    async def run_due(self, now: datetime) -> bool:
        """
        What fails of one webhook does not keep the others waiting, and is found again.

        Raises:
            SigdepError: which of them have missed something cannot be found out.
        """
        query = FindWebhooksBehind(now=now, limit=BEHIND_AT_ONCE)
        found: tuple[WebhookPlace, ...] = (await self._read.ask(query, internal_call())).value
        for place in found:
            try:
                await self._catch_up_all(place.webhook_id)
            except SigdepError as error:
                _log.warning("a webhook's catching up waits", webhook=str(place.webhook_id), error=type(error).__name__)
            except Exception as error:
                _log.error("a webhook's catching up failed", webhook=str(place.webhook_id), error=type(error).__name__)
        return len(found) >= BEHIND_AT_ONCE

    async def _catch_up_all(self, webhook_id: WebhookId) -> None:
        webhook = await self._work.webhook(webhook_id)
        for context in tuple(webhook.behind):
            if webhook.state == "active" and context in self._sources:
                webhook = await self._catch_up(webhook, context)
            elif webhook.state == "active":  # Nobody tells of it: else it would have missed it for ever.
                after, at = webhook.behind[context].after, await self._clock.now()
                webhook = await self._work.catch_up(webhook, context, (), after, finished=True, at=at)

    async def _catch_up(self, webhook: Webhook, context: str) -> Webhook:
        source, partition = self._sources[context], partition_of(webhook.workspace_id)
        heads = await source.heads()
        goal, reached = heads.get(partition, Position(0)), webhook.behind[context].after
        if reached >= goal:
            return await self._work.catch_up(webhook, context, (), goal, finished=True, at=await self._clock.now())
        try:
            async with (
                asyncio.timeout(CATCH_UP_SECONDS_MAX),
                aclosing(source.log.follow({**heads, partition: Position(reached)})) as batches,
            ):
                async for batch in batches:
                    events = [told for event in batch.events if (told := _for(webhook, event)) is not None]
                    reached = max(batch.reached.get(partition, Position(0)), reached)
                    webhook = await self._told(webhook, context, events, reached, goal)
                    behind = webhook.behind.get(context)
                    if webhook.state != "active" or behind is None or behind.after < reached:
                        break  # It is done, or something else is wanted of it meanwhile.
        except TimeoutError:
            pass
        return webhook

    async def _told(self, webhook: Webhook, context: str, events: list[Heard], reached: int, goal: int) -> Webhook:
        """So many at a time, each with how far that has come."""
        while True:
            now, events = events[:TOLD_AT_ONCE], events[TOLD_AT_ONCE:]
            place = now[-1].position if events else max(reached, now[-1].position if now else 0)
            finished = not events and place >= goal
            if now or place > webhook.behind[context].after:
                at = await self._clock.now()
                webhook = await self._work.catch_up(webhook, context, now, place, finished=finished, at=at)
            behind = webhook.behind.get(context)
            if not events or webhook.state != "active" or behind is None or behind.after != place:
                return webhook


def _for(webhook: Webhook, event: CloudEvent) -> Heard | None:
    if event.workspaceid != webhook.workspace_id or not wants(webhook, event.type):
        return None
    return heard(event)


class WebhookSender:
    """Delivers what is due, many at once and few to each webhook: one that is slow does not hold up the others.

    Of two that run at once each leaves alone what the other has on lease.
    """

    def __init__(
        self, work: WebhookWork, read: Service, channel: Channel, clock: Clock, chance: Random | None = None
    ) -> None:
        """
        Args:
            clock: by which deliveries are due and leases end, the same for all who send.
        """
        self._work, self._read, self._channel, self._clock = work, read, channel, clock
        self._chance = chance or Random()  # noqa: S311  It spreads pauses, and hides nothing.
        self._under_way: Final[dict[WebhookDeliveryId, asyncio.Task[None]]] = {}
        self._of_webhook: Final[Counter[WebhookId]] = Counter()

    async def run(self) -> None:
        """For ever."""
        try:
            while True:
                try:
                    begun = await self.begin_due(await self._clock.now())
                except SigdepError as error:
                    begun = 0
                    _log.warning("webhooks wait", error=type(error).__name__)
                await asyncio.sleep(BUSY_SECONDS if begun else LOOK_SECONDS)
        finally:
            await self.close()

    async def begin_due(self, now: datetime) -> int:
        """Begin with what is due, as far as there is room. How many that were.

        Raises:
            SigdepError: what is due cannot be found out.
        """
        room = UNDER_WAY_MAX - len(self._under_way)
        if room <= 0:
            return 0
        busy = tuple(webhook for webhook, count in self._of_webhook.items() if count >= OF_ONE_WEBHOOK_MAX)
        query = FindDueWebhookDeliveries(now=now, limit=UNDER_WAY_MAX, but=busy)
        found: tuple[WebhookDeliveryPlace, ...] = (await self._read.ask(query, internal_call())).value
        begun = 0
        for place in found:
            if begun < room and place.delivery_id not in self._under_way and self._has_room(place):
                self._begin(place)
                begun += 1
        return begun

    async def settle(self) -> None:
        """Return once what has begun has ended."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def close(self) -> None:
        """Give up what is under way: it has no result, and is tried again once its lease is over. Safe to repeat."""
        for task in self._under_way.values():
            task.cancel()
        await self.settle()

    def _has_room(self, place: WebhookDeliveryPlace) -> bool:
        return self._of_webhook[place.webhook_id] < OF_ONE_WEBHOOK_MAX

    def _begin(self, place: WebhookDeliveryPlace) -> None:
        task = asyncio.create_task(self._deliver(place.delivery_id))
        self._under_way[place.delivery_id] = task
        self._of_webhook[place.webhook_id] += 1
        task.add_done_callback(lambda _: self._end(place))

    def _end(self, place: WebhookDeliveryPlace) -> None:
        del self._under_way[place.delivery_id]
        self._of_webhook[place.webhook_id] -= 1
        if not self._of_webhook[place.webhook_id]:
            del self._of_webhook[place.webhook_id]

    async def _deliver(self, delivery_id: WebhookDeliveryId) -> None:
        try:
            begun = await self._work.begin(delivery_id, await self._clock.now())
            if begun is not None:
                outcome = await self._send(begun)
                await self._work.end(begun, outcome, await self._clock.now(), self._chance.random())
        except SigdepError as error:  # It is found again: at once, or when its lease is over.
            _log.warning("a webhook's delivery waits", delivery=str(delivery_id), error=type(error).__name__)
        except Exception as error:
            _log.error("a webhook's delivery failed", delivery=str(delivery_id), error=type(error).__name__)

    async def _send(self, begun: Begun) -> Outcome:
        target: Any = {"url": begun.url, "secrets": begun.secrets}
        try:
            async with asyncio.timeout(CALL_SECONDS_MAX):
                return await self._channel.send(msgspec.json.encode(target), begun.message)
        except TimeoutError:
            return Postponed(reason=f"No answer within {CALL_SECONDS_MAX:g} s.")


async def run_catch_up(catch_up: WebhookCatchUp, clock: Clock) -> None:
    """For ever."""
    while True:
        try:
            await catch_up.run_due(await clock.now())
        except SigdepError as error:
            _log.warning("webhooks that have missed something wait", error=type(error).__name__)
        await asyncio.sleep(LOOK_SECONDS)
