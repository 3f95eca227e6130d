"""How long something that was asked may be believed: it is asked again in time, once for all who want to know."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import Final

import structlog

from sigdep.kernel.errors import LogDamaged, Unavailable

GOOD_SECONDS: Final = 0.5
"""So long an answer is good, from when it was asked for. A removal or revocation must take effect within a second."""

EARLY_SECONDS: Final = 0.25
"""After so long it is asked again, beside those who go on meanwhile: nobody waits for it in normal life."""

ANSWER_SECONDS_MAX: Final = 2.0
"""Whoever gives no answer for so long is away."""

AWAY_SECONDS_MAX: Final = 60.0
"""So long whatever was known is good still while nobody answers: longer than a service takes to be started again."""

_log = structlog.get_logger("sigdep.users")


class Confirmation:
    """Nothing is asked while nobody wants to know."""

    def __init__(self, ask: Callable[[], Awaitable[None]], *, steady: Callable[[], float]) -> None:
        """
        Args:
            ask: returns with the answer; raises Unavailable where there is none.
            steady: seconds that only ever go forward.
        """
        self._ask = ask
        self._steady = steady
        self._confirmed_at = -inf
        """When the last answer was asked for."""
        self._asked_at = -inf
        self._away_since: float | None = None
        self._asking: asyncio.Task[None] | None = None

    async def until(self) -> float:
        """How long the last answer is good, in monotonic seconds. It may be the past where an answer took its time.

        Raises:
            Unavailable: nobody has answered for too long.
        """
        now = self._steady()
        if now - self._asked_at >= EARLY_SECONDS:
            self._begin()
        if now < self._confirmed_at + GOOD_SECONDS:
            return self._confirmed_at + GOOD_SECONDS
        if self._away_since is None:
            await self._asked_since(now - GOOD_SECONDS)
        if self._away_since is None:
            return self._confirmed_at + GOOD_SECONDS
        now = self._steady()
        if now - self._away_since >= AWAY_SECONDS_MAX:
            raise _unsure()
        return now + EARLY_SECONDS

    async def anew(self) -> None:
        """Ask now.

        Raises:
            Unavailable: there is no answer.
        """
        since = self._steady()
        await self._asked_since(since)
        if self._away_since is not None:
            raise _unsure()

    async def _asked_since(self, since: float) -> None:
        """The question that is on its way will do if it was not put too early."""
        if self._asking is not None and self._asked_at <= since:
            await asyncio.shield(self._asking)
        if self._asking is not None or self._asked_at <= since:
            await asyncio.shield(self._begin())

    def _begin(self) -> "asyncio.Task[None]":
        if self._asking is None:
            self._asked_at = self._steady()
            self._asking = asyncio.create_task(self._run(self._asked_at))
        return self._asking

    async def _run(self, begun: float) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await self._ask()
        except (Unavailable, TimeoutError) as error:
            self._is_away(begun, getattr(error, "detail", f"No answer within {ANSWER_SECONDS_MAX:.0f} seconds."))
        except LogDamaged as error:
            self._is_away(-inf, str(error))  # It may say anything, and will not get better by waiting.
        except Exception as error:
            if self._away_since is None:
                _log.error("it cannot be confirmed who may do what, which is a bug", exc_info=error)
            self._away_since = -inf
        else:
            if self._away_since is not None:
                _log.info("who may do what is confirmed again")
            self._confirmed_at, self._away_since = begun, None
        finally:
            self._asking = None

    def _is_away(self, since: float, reason: str) -> None:
        if self._away_since is None:
            _log.warning("it cannot be confirmed who may do what", reason=reason, believed_seconds_max=AWAY_SECONDS_MAX)
            self._away_since = since
        else:
            self._away_since = min(self._away_since, since)


def _unsure() -> Unavailable:
    return Unavailable("Who may do what cannot be confirmed at present. Please try again.", retry_after_seconds=1.0)
