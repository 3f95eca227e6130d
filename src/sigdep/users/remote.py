"""What the gateway asks the services of this context, behind the port that it knows."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Final

from sigdep.http.stamps import internal_call
from sigdep.rpc.call import Principal, Service
from sigdep.users.queries import Identify

KNOWN_MAX: Final = 4_096
"""Credentials that are remembered, the last used ones."""

TRUSTED_SECONDS: Final = 0.4
"""So long nobody is asked. `users.read` trusts for half a second itself, and a removal takes effect within one."""


class RemoteIdentities:
    """Identities (`http/identity.py`), asked of `users.read`. Failures are never remembered."""

    def __init__(self, read: Service, *, steady: Callable[[], float] = monotonic) -> None:
        """
        Args:
            steady: seconds that only ever go forward.
        """
        self._read = read
        self._steady = steady
        self._known: OrderedDict[str, tuple[float, Principal]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Principal]] = {}

    async def principal(self, bearer: str, *, fresh: bool = False) -> Principal:
        if fresh:
            return await self._ask(bearer, fresh=True)
        known = self._known.get(bearer)
        if known is not None and self._steady() < known[0]:
            self._known.move_to_end(bearer)
            return known[1]
        asking = self._asking.get(bearer)
        if asking is None:
            asking = self._asking[bearer] = asyncio.create_task(self._ask(bearer, fresh=False))
            asking.add_done_callback(lambda done: self._asked(bearer, done))
        return await asyncio.shield(asking)

    def _asked(self, bearer: str, done: "asyncio.Task[Principal]") -> None:
        del self._asking[bearer]
        if not done.cancelled():
            done.exception()  # Somebody may have been waiting for it, or nobody any more.

    async def _ask(self, bearer: str, *, fresh: bool) -> Principal:
        begun = self._steady()
        try:
            found: Principal = (await self._read.ask(Identify(bearer=bearer, fresh=fresh), internal_call())).value
        except BaseException:
            self._known.pop(bearer, None)
            raise
        self._known[bearer] = (begun + TRUSTED_SECONDS, found)
        self._known.move_to_end(bearer)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return found
