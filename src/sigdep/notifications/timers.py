"""What is done here when its time has come: what was snoozed returns, and digests are posted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from sigdep.http.stamps import internal_call
from sigdep.kernel.errors import NotFound
from sigdep.notifications.commands.inbox import ReturnNotification
from sigdep.notifications.commands.people import PostDigest
from sigdep.notifications.queries.digest import DigestDue, FindDigestsDue
from sigdep.notifications.queries.inbox import FindReturning, Found
from sigdep.rpc.call import Call, Service

AT_ONCE: Final = 200
"""So many are looked for at a time; more are left for the next look."""


class Timers:
    """Run `run_due` every few seconds, in any process: it is safe to repeat, and for two to do it at once."""

    def __init__(self, write: Service, read: Service) -> None:
        self._write = write
        self._read = read

    async def run_due(self, now: datetime) -> bool:
        """Do what is due. True: there may be more already, as far as the reading side has come.

        Raises:
            SigdepError: some of it could not be done; it is found again.
        """
        returning: Sequence[Found] = (await self._find(FindReturning(now=now, limit=AT_ONCE))).value
        for found in returning:
            await self._do(ReturnNotification(notification_id=found.notification_id, at=now), now)
        digests: Sequence[DigestDue] = (await self._find(FindDigestsDue(now=now, limit=AT_ONCE))).value
        for due in digests:
            await self._do(
                PostDigest(
                    user_id=due.user_id,
                    workspace_id=due.workspace_id,
                    on=due.on,
                    title=due.title,
                    items=due.items,
                    more=due.more,
                    at=now,
                ),
                now,
            )
        return max(len(returning), len(digests)) >= AT_ONCE

    async def _find(self, query: Any) -> Any:
        return await self._read.ask(query, internal_call())

    async def _do(self, command: Any, now: datetime) -> None:
        """What has been forgotten meanwhile is nobody's business any more."""
        call: Call = replace(internal_call(), asked_at=now)
        try:
            await self._write.ask(command, call)
        except NotFound:
            return
