"""What runs for webhooks beside the services: they are told what happens, and catch up with what they have missed."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Final

import structlog

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.public_log import EVERY_TYPE
from sigdep.http.stamps import internal_call
from sigdep.kernel.clock import Clock
from sigdep.kernel.errors import SigdepError
from sigdep.kernel.ids import Position, partition_of
from sigdep.notifications.domain.webhook import Webhook, wants
from sigdep.notifications.events.webhooks import WebhookId
from sigdep.notifications.queries.webhooks import FindWebhooksBehind, WebhookPlace
from sigdep.notifications.writing.hearing import Heard, Source, heard
from sigdep.notifications.writing.webhook_work import WebhookWork
from sigdep.rpc.call import Service

LOOK_SECONDS: Final = 1.0
BEHIND_AT_ONCE: Final = 20
TOLD_AT_ONCE: Final = 100
"""Events that one append makes deliveries of."""

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


async def run_catch_up(catch_up: WebhookCatchUp, clock: Clock) -> None:
    """For ever."""
    while True:
        try:
            await catch_up.run_due(await clock.now())
        except SigdepError as error:
            _log.warning("webhooks that have missed something wait", error=type(error).__name__)
        await asyncio.sleep(LOOK_SECONDS)
