"""What the gateway asks the services of this context, behind the port that it knows."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Final

from sigdep.http.revocations import Forgotten, Suspects
from sigdep.http.stamps import internal_call
from sigdep.rpc.call import Principal, Service
from sigdep.users.queries import Identify

KNOWN_MAX: Final = 4_096
"""Credentials that are remembered, the last used ones."""

TRUSTED_SECONDS: Final = 0.4
"""So long nobody is asked. `users.read` trusts for half a second itself, and a removal takes effect within one."""

SETTLE_SECONDS: Final = 0.5
"""So long after a notice nothing is remembered: a replica of `users.read` that has not heard it yet trusts as long."""

_NOBODY: Final = (0.0, None)


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
        """Each with when it was asked, in monotonic seconds."""
        self._asking: dict[str, tuple[float, asyncio.Task[Principal]]] = {}
        self._forgotten = Forgotten(settle_seconds=SETTLE_SECONDS)

    def forget(self, suspects: Suspects) -> None:
        """What we have heard of them until now is not believed any more, nor what we hear in the next moment."""
        self._forgotten.forget(suspects, self._steady())

    async def principal(self, bearer: str, *, fresh: bool = False) -> Principal:
        if fresh:
            return await self._ask(bearer, fresh=True)
        known = self._known.get(bearer)
        if known is not None and self._trusts(*known):
            self._known.move_to_end(bearer)
            return known[1]
        arrived, (begun, asking) = self._steady(), self._asking.get(bearer, _NOBODY)
        if asking is not None and arrived >= begun + TRUSTED_SECONDS:
            await asyncio.wait([asking])  # What it hears may be too old; but one at a time is enough.
            begun, asking = self._asking.get(bearer, _NOBODY)
        if asking is None or asking.done() or not self._forgotten.believes_all(begun):
            asking = asyncio.create_task(self._ask(bearer, fresh=False))
            self._asking[bearer] = self._steady(), asking
            asking.add_done_callback(lambda done: self._asked(bearer, done))
        return await asyncio.shield(asking)

    def _trusts(self, asked_at: float, principal: Principal) -> bool:
        recent = self._steady() < asked_at + TRUSTED_SECONDS
        return recent and self._forgotten.believes(principal.user_id, asked_at)

    def _asked(self, bearer: str, done: "asyncio.Task[Principal]") -> None:
        if self._asking.get(bearer, _NOBODY)[1] is done:
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
        self._known[bearer] = begun, found
        self._known.move_to_end(bearer)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return found
