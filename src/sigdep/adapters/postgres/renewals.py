"""Renews leases together: what is due within a moment goes in one statement, and is due together from then on."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final, NamedTuple

from sigdep.adapters.postgres.errors import Away
from sigdep.kernel.errors import SigdepError
from sigdep.kernel.lease import Epoch

GATHER_SECONDS: Final = 0.05
"""So long the first waits for others. A small part of the time from one renewal to the next."""


class Renewal(NamedTuple):
    name: str
    epoch: Epoch
    seconds: float


Renew = Callable[[Sequence[Renewal]], Awaitable[Collection[tuple[str, Epoch]]]]
"""Renews all of them. Returns name and epoch of those that are held still."""


_Waiting = tuple[Renewal, "asyncio.Future[bool]"]


class Renewals:
    """Of one process. Each renewal waits for disk and network; a service has twenty of them twice a second."""

    def __init__(self, renew: Renew) -> None:
        self._renew = renew
        self._waiting: list[_Waiting] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def renew(self, renewal: Renewal) -> bool:
        """Whether it is held still. Raises what renewing all of them does."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((renewal, answer))
        if len(self._waiting) == 1:
            sending = asyncio.create_task(self._send(), name="renew leases")
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)
        return await answer

    async def close(self) -> None:
        """Whoever still waits is told that there will be no answer."""
        for sending in tuple(self._sending):
            sending.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        left, self._waiting = self._waiting, []
        _refuse(left, Away("The leases have been closed."))

    async def _send(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        together, self._waiting = self._waiting, []
        failure: SigdepError = Away("The leases were not renewed.")
        try:
            held = await self._renew([renewal for renewal, answer in together if not answer.done()])
            for renewal, answer in together:
                if not answer.done():  # Else nobody waits any more.
                    answer.set_result((renewal.name, renewal.epoch) in held)
        except SigdepError as error:
            failure = error
        finally:
            _refuse(together, failure)


def _refuse(waiting: Sequence[_Waiting], failure: SigdepError) -> None:
    for _, answer in waiting:
        if not answer.done():
            answer.set_exception(type(failure)(failure.detail))
