"""How a broker that is away is borne with, the same for every technology."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final, TypeAlias, TypeVar

from sigdep.kernel.broker import Bookmark, BrokerPosition, Continuity, Delivery, Reading
from sigdep.kernel.errors import Unavailable

PAUSE_SECONDS_MIN: Final = 0.02
PAUSE_SECONDS_MAX: Final = 0.5
"""Between attempts, doubled each time."""

REFUSED_SECONDS: Final = 5.0
"""For which a broker that did not let us in is not asked again. Each of many readers would, and it may count that."""

T = TypeVar("T")

ReadFrom: TypeAlias = Callable[[Bookmark | None], AsyncGenerator[Sequence[Delivery], None]]
"""Reads what comes after a bookmark, until the connection is lost: Away. What it finds missing, it may say itself."""


class Away(Unavailable):
    """The broker cannot answer just now. The outcome may be unknown; asking again is safe and may help."""


class OutOfOrder(Unavailable):
    """The broker refuses for a reason that asking again does not mend."""


class Openness:
    """Whether a broker is in use still."""

    def __init__(self) -> None:
        self.closed = False

    def check(self) -> None:
        """
        Raises:
            Unavailable: it has been closed.
        """
        if self.closed:
            raise Unavailable("The broker has been closed.")


class Threshold:
    """Where a broker lets us in, or does not: then who comes next is told the same, for a while."""

    def __init__(self, refused_seconds: float = REFUSED_SECONDS) -> None:
        self._refused_seconds = refused_seconds
        self._refused_until = 0.0
        self._reason = ""

    async def cross(self, connect: Callable[[], Awaitable[T]]) -> T:
        """Connect, one at a time.

        Raises:
            Away: no server can be reached.
            OutOfOrder: we are not let in, now or a moment ago.
        """
        now = asyncio.get_running_loop().time()
        if now < self._refused_until:
            raise OutOfOrder(self._reason)
        try:
            return await connect()
        except OutOfOrder as error:
            self._reason = error.detail
            self._refused_until = asyncio.get_running_loop().time() + self._refused_seconds
            raise


class Patience:
    """Waits between attempts, in pauses that double, and not for ever."""

    def __init__(self, away_seconds_max: float) -> None:
        self._away_seconds_max = away_seconds_max
        self._away_since: float | None = None
        self._pause = PAUSE_SECONDS_MIN

    async def wait(self, error: Away) -> None:
        """Wait before the next attempt.

        Raises:
            Away: the error, once nothing has been answered for `away_seconds_max`.
        """
        now = asyncio.get_running_loop().time()
        if self._away_since is None:
            self._away_since = now
        if now - self._away_since >= self._away_seconds_max:
            raise error
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, PAUSE_SECONDS_MAX)

    def answered(self) -> None:
        """It is there again."""
        self._away_since = None
        self._pause = PAUSE_SECONDS_MIN


async def persist(attempt: Callable[[], Awaitable[T]], openness: Openness, away_seconds_max: float) -> T:
    """Do what may be done again until it has been done.

    Raises:
        Unavailable: the broker has been away for too long, or has been closed.
    """
    patience = Patience(away_seconds_max)
    while True:  # Patience ends.
        openness.check()
        try:
            return await attempt()
        except Away as error:
            openness.check()
            await patience.wait(error)


async def resume(
    read_from: ReadFrom, technology: str, after: BrokerPosition | None, openness: Openness, away_seconds_max: float
) -> Reading:
    """Read over outages, and give nothing twice and nothing after a gap.

    Raises:
        PositionLost: there is a gap, or the position is of another technology.
        Unavailable: the broker has been away for too long.
    """
    openness.check()
    reached = None if after is None else Bookmark.parse(after, technology)
    continuity = Continuity(None if reached is None else reached.position)
    patience = Patience(away_seconds_max)
    while not openness.closed:
        try:
            async with aclosing(read_from(reached)) as arriving:
                async for arrived in arriving:
                    patience.answered()
                    batch, lost = continuity.sift(arrived)
                    if batch:
                        reached = Bookmark.parse(batch[-1].position, technology)
                        yield batch
                    if lost is not None:
                        raise lost
        except Away as error:
            if not openness.closed:
                await patience.wait(error)
