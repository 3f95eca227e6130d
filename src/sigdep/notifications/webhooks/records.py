"""Keeps the lists of webhooks' deliveries at what has ended lately: beside the services, every hour."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from sigdep.contracts.ids import WorkspaceId
from sigdep.http.stamps import internal_call
from sigdep.kernel.clock import Clock
from sigdep.kernel.errors import SigdepError
from sigdep.notifications.queries.webhook_deliveries import EndedWebhookDelivery, FindEndedWebhookDeliveries
from sigdep.notifications.writing.webhook_records import WebhookRecordsWork
from sigdep.rpc.call import Service

EXPIRED_AT_ONCE: Final = 500
"""Rows that one look takes off the lists: the reading side deletes them in one transaction with its checkpoint."""

LOOK_SECONDS: Final = 3_600.0
BUSY_SECONDS: Final = 1.0
"""Between looks, where the last one found as many as it may."""

_log = structlog.get_logger(__name__)


class WebhookRecordsKeeper:
    """Of two that run at once one does what the other has done: nothing."""

    def __init__(self, work: WebhookRecordsWork, read: Service, clock: Clock, kept: timedelta) -> None:
        """
        Args:
            kept: for how long after its end a delivery is listed.
        """
        self._work, self._read, self._clock, self._kept = work, read, clock, kept

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                found = await self.run_due(await self._clock.now())
            except SigdepError as error:
                found = 0
                _log.warning("old records of webhooks wait", error=type(error).__name__)
            await asyncio.sleep(BUSY_SECONDS if found >= EXPIRED_AT_ONCE else LOOK_SECONDS)

    async def run_due(self, now: datetime) -> int:
        """How many had been listed for long enough: no more than one look takes.

        Raises:
            SigdepError: some of it could not be done; it is found again.
        """
        query = FindEndedWebhookDeliveries(until=now - self._kept, limit=EXPIRED_AT_ONCE)
        found: tuple[EndedWebhookDelivery, ...] = (await self._read.ask(query, internal_call())).value
        latest: dict[WorkspaceId, datetime] = {one.workspace_id: one.ended_at for one in found}
        for workspace, ended_at in latest.items():
            await self._work.expire(workspace, ended_at, now)
        return len(found)
