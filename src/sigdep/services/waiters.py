"""Whoever waits until a position has been reached."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import Final

from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position, Positions

WAITERS_MAX: Final = 10_000


class Waiters:
    """Those who wait in one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[Partition, dict[asyncio.Future[None], Position]] = defaultdict(dict)
        self._count = 0
        self._somebody = asyncio.Event()

    def __len__(self) -> int:
        """How many wait."""
        return self._count

    async def wait(self, partition: Partition, position: Position, timeout_seconds: float) -> None:
        """Return when the position has been reached.

        Raises:
            TimeoutError: it has not in that time.
            Unavailable: too many wait, or it will not come.
        """
        if self._count >= WAITERS_MAX:
            raise Unavailable("Too many requests wait for what has just been written. Please try again.")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[partition][future] = position
        self._count += 1
        self._somebody.set()
        try:
            async with asyncio.timeout(timeout_seconds):
                await future
        finally:
            self._count -= 1
            if not self._count:
                self._somebody.clear()
            del self._waiting[partition][future]

    async def somebody(self, timeout_seconds: float) -> None:
        """Return as soon as somebody waits, or that time has passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._somebody.wait()

    def reached(self, positions: Positions) -> None:
        """Wake those whose position this is, or is before this."""
        for partition, waiting in self._waiting.items():
            position_now = positions.get(partition, 0)
            for future, position in waiting.items():
                if position <= position_now and not future.done():
                    future.set_result(None)

    def give_up(self, error: Unavailable) -> None:
        """Tell everybody that it will not come."""
        for waiting in self._waiting.values():
            for future in waiting:
                if not future.done():
                    future.set_exception(error)
