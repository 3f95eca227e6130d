"""Takes up what is due as soon as it is: bounded, each piece by itself, and over again where it failed."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from sigdep.kernel.clock import Clock
from sigdep.kernel.errors import SigdepError, Unavailable

PIECES_MAX: Final = 500
"""Looked at at once."""

LOOK_SECONDS: Final = 0.5
"""Between looks where nothing is known to be due sooner: for what others have scheduled, and for a clock that leaps."""

LAG_SECONDS: Final = 0.02
"""Between looks while what has been done is not seen yet."""

EXPECTED_SECONDS: Final = 0.3
"""For so long what has been announced is looked for as often as that."""

AWAY_SECONDS: Final = 0.25
AWAY_SECONDS_MAX: Final = 5.0
"""Between looks while whoever is asked is away."""

AGAIN_SECONDS: Final = 0.5
AGAIN_SECONDS_MAX: Final = 60.0
"""Before a piece that failed is tried again, twice as long each time."""

DONE_MAX: Final = 50_000

_log = structlog.get_logger("sigdep.reminders")


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that is due."""

    key: Hashable
    token: Hashable
    """The version at which it was found due. It is done once for each."""
    do: Callable[[], Awaitable[bool]]
    """Safe to repeat, and to be done by two at once. False: it came to nothing, and will be looked at again."""


@dataclass(frozen=True, slots=True)
class Found:
    pieces: Sequence[Piece]
    next_at: datetime | None
    """When the next one is due."""
    since: datetime | None = None
    """When the one was due that has been due longest."""


@dataclass(slots=True)
class _Failures:
    token: Hashable
    count: int
    again_at: float


@dataclass(slots=True)
class DueWork:
    """A job. What is looked at may lag behind what has been done: what is known to be done is passed over."""

    name: str
    clock: Clock
    find: Callable[[datetime, int], Awaitable[Found]]
    """What is due at this time, at most so many, the longest due first."""
    at_once_max: int
    look_seconds: float = LOOK_SECONDS
    found: int = 0
    """Pieces that were due and not done when it looked last, PIECES_MAX at the most."""
    overdue_seconds: float = 0.0
    """How late the one was then that has been due longest."""
    _busy: dict[Hashable, asyncio.Task[None]] = field(default_factory=dict)
    _done: OrderedDict[Hashable, Hashable] = field(default_factory=OrderedDict)
    _failed: dict[Hashable, _Failures] = field(default_factory=dict)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _expecting_until: float = 0.0

    def wake(self) -> None:
        """There will be something new that is due at once, as soon as it is seen."""
        self._expecting_until = asyncio.get_running_loop().time() + EXPECTED_SECONDS
        self._woken.set()

    async def run(self) -> None:
        """For ever. What is being done when it is cancelled is given up, and found again by whoever is next."""
        away = AWAY_SECONDS
        try:
            while True:
                self._woken.clear()
                try:
                    pause = await self._look()
                    away = AWAY_SECONDS
                except Unavailable as error:
                    _log.warning("due work waits", work=self.name, reason=error.detail)
                    pause, away = away, min(away * 2, AWAY_SECONDS_MAX)
                await self._pause(pause)
        finally:
            self.found, self.overdue_seconds = 0, 0.0  # Another process does it now.
            for task in tuple(self._busy.values()):
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _look(self) -> float:
        """Begin what is due. Returns how long to wait for the next look, in seconds."""
        now = await self.clock.now()
        found = await self.find(now, PIECES_MAX)
        new = [piece for piece in found.pieces if self._is_new(piece)]
        self.found = len(new)
        self.overdue_seconds = 0.0 if found.since is None or not new else (now - found.since).total_seconds()
        for piece in new:
            while len(self._busy) >= self.at_once_max:
                await asyncio.wait(self._busy.values(), return_when=asyncio.FIRST_COMPLETED)
            self._busy[piece.key] = asyncio.create_task(self._do(piece), name=self.name)
        expecting = asyncio.get_running_loop().time() < self._expecting_until
        if expecting or any(self._is_under_way(piece) for piece in found.pieces):
            return LAG_SECONDS
        if found.next_at is None:
            return self.look_seconds
        return min(max((found.next_at - now) / timedelta(seconds=1), 0.0), self.look_seconds)

    def _is_under_way(self, piece: Piece) -> bool:
        """It is being done, or has been and is not seen yet."""
        return piece.key in self._busy or self._done.get(piece.key) == piece.token

    def _is_new(self, piece: Piece) -> bool:
        if self._is_under_way(piece):
            return False
        failures = self._failed.get(piece.key)
        if failures is None or failures.token != piece.token:
            return True
        return asyncio.get_running_loop().time() >= failures.again_at

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _do(self, piece: Piece) -> None:
        try:
            if not await piece.do():
                self._put_off(piece)
                return
        except Exception as error:
            self._say(self._put_off(piece), error)
        else:
            self._failed.pop(piece.key, None)
            self._done[piece.key] = piece.token
            self._done.move_to_end(piece.key)
            if len(self._done) > DONE_MAX:
                self._done.popitem(last=False)
        finally:
            del self._busy[piece.key]

    def _put_off(self, piece: Piece) -> int:
        """How often in a row it has come to nothing by now."""
        known = self._failed.get(piece.key)
        count = known.count + 1 if known is not None and known.token == piece.token else 1
        pause = min(AGAIN_SECONDS * 2 ** min(count - 1, 10), AGAIN_SECONDS_MAX)
        self._failed[piece.key] = _Failures(piece.token, count, asyncio.get_running_loop().time() + pause)
        while len(self._failed) > DONE_MAX:
            del self._failed[next(iter(self._failed))]
        return count

    def _say(self, times: int, error: Exception) -> None:
        """What is no refusal is a bug: its trace says where. What somebody wrote stays out of logs."""
        log = _log.warning if isinstance(error, SigdepError) else _log.exception
        log("due work failed and will be tried again", work=self.name, error=type(error).__name__, times=times)
