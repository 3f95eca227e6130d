"""GCRA in the memory of one process: one instant remembered per caller.

The generic cell rate algorithm (ITU-T I.371) remembers when a caller's allowance will be whole again. A request moves
that instant on by one interval, and is refused when it would move it further ahead than the burst allows.
"""

from collections.abc import Callable
from time import monotonic
from typing import Final

from sigdep.http.limiting import Allowance, Limiter, Rate

CALLERS_MAX: Final = 50_000
"""Remembered in each limiter. Past it the callers first seen are forgotten, each of whom wins one burst by it."""

Clock = Callable[[], float]


class Gcra:
    """One rate for many callers."""

    def __init__(self, rate: Rate, clock: Clock = monotonic) -> None:
        self._interval = 1 / rate.per_second
        self._burst = rate.burst
        self._ahead_max = rate.burst * self._interval
        self._clock = clock
        self._whole_at: dict[str, float] = {}
        """By caller: when its burst is whole again."""

    def take(self, caller: str) -> Allowance:
        """Count one request, unless it is refused."""
        now = self._clock()
        ahead = max(self._whole_at.get(caller, now) - now, 0.0) + self._interval
        excess = ahead - self._ahead_max
        if excess > 1e-9:
            return Allowance(self._burst, 0, ahead - self._interval, excess)
        if caller not in self._whole_at and len(self._whole_at) >= CALLERS_MAX:
            self._forget(now)
        self._whole_at[caller] = now + ahead
        return Allowance(self._burst, round((self._ahead_max - ahead) / self._interval), ahead, 0.0)

    def exhausted(self, caller: str) -> float:
        """Seconds until the caller may try again, without counting anything. 0: now."""
        ahead = self._whole_at.get(caller, 0.0) - self._clock()
        return max(ahead + self._interval - self._ahead_max, 0.0)

    def __len__(self) -> int:
        return len(self._whole_at)

    def _forget(self, now: float) -> None:
        """Those whose burst is whole again lose nothing; where that leaves more than nine tenths, those that came first
        go too: to look through all of them must make room for thousands, not for one."""
        self._whole_at = {caller: whole_at for caller, whole_at in self._whole_at.items() if whole_at > now}
        too_many = len(self._whole_at) - CALLERS_MAX * 9 // 10
        if too_many > 0:
            for caller in list(self._whole_at)[:too_many]:
                del self._whole_at[caller]


class LocalLimiter:
    """A Limiter of this process alone."""

    def __init__(self, rate: Rate, clock: Clock = monotonic) -> None:
        self._gcra = Gcra(rate, clock)

    async def take(self, caller: str) -> Allowance:
        return self._gcra.take(caller)

    def exhausted(self, caller: str) -> float:
        return self._gcra.exhausted(caller)


class LocalLimiters:
    """Limiters of this process alone, whatever their names."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock

    def limiter(self, name: str, rate: Rate) -> Limiter:
        return LocalLimiter(rate, self._clock)
