"""Has commands to the same thing take turns within a process, instead of racing each other until some give up."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sigdep.kernel.errors import StreamBusy

WAITING_MAX: Final = 1_000
"""Commands that wait for one thing."""


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Turns:
    """A lock for each thing that somebody is busy with. Only for speed: the event store sees to what is right."""

    def __init__(self) -> None:
        self._turns: dict[UUID, _Turn] = {}

    @asynccontextmanager
    async def of(self, things: Iterable[UUID]) -> AsyncIterator[None]:
        """Nobody else has a turn with any of these things meanwhile.

        Raises:
            StreamBusy: WAITING_MAX wait for one of them already.
        """
        async with AsyncExitStack() as turns:
            for thing in sorted(set(things)):  # All in one order, so that no two wait for each other.
                await turns.enter_async_context(self._one(thing))
            yield

    @asynccontextmanager
    async def _one(self, thing: UUID) -> AsyncIterator[None]:
        turn = self._turns.setdefault(thing, _Turn())
        if turn.users > WAITING_MAX:
            raise StreamBusy("Too many requests wait to change the same thing. Please try again.")
        turn.users += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[thing]
