"""Delivers to webhooks, beside the services."""

import asyncio
from collections import Counter
from datetime import datetime
from random import Random
from time import perf_counter
from typing import Any, Final, Protocol

import msgspec
import structlog

from sigdep.http.stamps import internal_call
from sigdep.kernel.channel import Channel, Outcome, Postponed
from sigdep.kernel.clock import Clock
from sigdep.kernel.errors import SigdepError
from sigdep.notifications.events.webhook_deliveries import WebhookDeliveryId
from sigdep.notifications.events.webhooks import WebhookId
from sigdep.notifications.queries.webhook_deliveries import FindDueWebhookDeliveries, WebhookDeliveryPlace
from sigdep.notifications.writing.sender import DeliveryFigures
from sigdep.notifications.writing.webhook_work import Begun, Ended, WebhookWork
from sigdep.rpc.call import Service

UNDER_WAY_MAX: Final = 200
OF_ONE_WEBHOOK_MAX: Final = 8
"""Deliveries at once. More are left for the next look."""

LOOK_SECONDS: Final = 1.0
BUSY_SECONDS: Final = 0.05
"""Between looks, where the last one found something: the reading side has seen by then what has begun."""

CALL_SECONDS_MAX: Final = 30.0
"""Far over what the channel itself allows a receiver."""

CHANNEL: Final = "webhook"

_log = structlog.get_logger(__name__)


class WebhookFigures(DeliveryFigures, Protocol):
    """Whoever counts."""

    def webhook_disabled(self) -> None:
        """Since one of its deliveries has failed for good."""
        ...


class WebhookSender:
    """Delivers what is due, many at once and few to each webhook: one that is slow does not hold up the others.

    Of two that run at once each leaves alone what the other has on lease.
    """

    def __init__(
        self,
        work: WebhookWork,
        read: Service,
        channel: Channel,
        clock: Clock,
        figures: WebhookFigures,
        chance: Random | None = None,
    ) -> None:
        """
        Args:
            clock: by which deliveries are due and leases end, the same for all who send.
        """
        self._work, self._read, self._channel, self._clock = work, read, channel, clock
        self._figures = figures
        self._chance = chance or Random()  # noqa: S311  It spreads pauses, and hides nothing.
        self._under_way: Final[dict[WebhookDeliveryId, asyncio.Task[None]]] = {}
        self._of_webhook: Final[Counter[WebhookId]] = Counter()
        self.found = 0
        """Deliveries that were due when it looked last, without those of webhooks that have enough on their way."""
        self.overdue_seconds = 0.0
        """How late the one of them was that had been due longest."""

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
            self.found, self.overdue_seconds = 0, 0.0  # Another process does it now.
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
        waiting = [place for place in found if place.delivery_id not in self._under_way]
        self.found = len(waiting)
        self.overdue_seconds = max((now - waiting[0].due_at).total_seconds(), 0.0) if waiting else 0.0
        begun = 0
        for place in waiting:
            if begun < room and self._has_room(place):
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
            if isinstance(begun, Begun):
                outcome = await self._send(begun)
                self._count(await self._work.end(begun, outcome, await self._clock.now(), self._chance.random()))
            else:
                self._count(begun)
        except SigdepError as error:  # It is found again: at once, or when its lease is over.
            _log.warning("a webhook's delivery waits", delivery=str(delivery_id), error=type(error).__name__)
        except Exception as error:
            _log.error("a webhook's delivery failed", delivery=str(delivery_id), error=type(error).__name__)

    def _count(self, ended: Ended | None) -> None:
        if ended is not None:
            self._figures.delivered(CHANNEL, ended.outcome)
            if ended.disabled:
                self._figures.webhook_disabled()

    async def _send(self, begun: Begun) -> Outcome:
        target: Any = {"url": begun.url, "secrets": begun.secrets}
        began = perf_counter()
        try:
            async with asyncio.timeout(CALL_SECONDS_MAX):
                return await self._channel.send(msgspec.json.encode(target), begun.message)
        except TimeoutError:
            return Postponed(reason=f"No answer within {CALL_SECONDS_MAX:g} s.")
        finally:
            self._figures.called(CHANNEL, perf_counter() - began)
