"""Rate limits that several gateways share: GCRA in Redis, by the clock of its server."""

import asyncio
import math
from collections import deque
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from sigdep.adapters.redis.aid import RedisAid
from sigdep.http.limiting import Allowance, Limiter, Rate
from sigdep.http.sharing import SharedAway

ANSWER_SECONDS_MAX: Final = 0.03
"""A request waits no longer for the shared count, and twice as long where another question is on its way."""

TAKES_AT_ONCE: Final = 128
WAITING_MAX: Final = 4_096

REFUSED_MAX: Final = 10_000
"""Callers of one limiter who are known to have used up their burst."""

MICROSECONDS: Final = 1_000_000

TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answers = {}
for number = 1, #KEYS do
    local interval, most = tonumber(ARGV[2 * number - 1]), tonumber(ARGV[2 * number])
    local whole_at = tonumber(redis.call('GET', KEYS[number]) or now)
    local ahead = math.max(whole_at - now, 0)
    local passes = ahead + interval <= most
    if passes or ahead > most then
        ahead = passes and ahead + interval or most
        redis.call('SET', KEYS[number], now + ahead, 'PX', math.ceil(ahead / 1000))
    end
    answers[number] = {ahead, passes and 0 or ahead + interval - most}
end
return answers
"""
"""For each caller, by when the burst is whole again: by how much that is ahead, and how long to wait, 0 if it passes.
In microseconds, and whole ones: sums of them are exact. Whoever is further ahead than a burst was so by a clock that
has been set back, or by another rate, and begins again from there."""


@dataclass(slots=True)
class Take:
    """One that waits for its turn."""

    key: str
    interval: int
    most: int
    answer: asyncio.Future[tuple[int, int]]


class RedisLimiters:
    """Limiters of all gateways that use the same Redis. Questions that come together are asked together."""

    def __init__(self, aid: RedisAid, *, prefix: str = "sigdep") -> None:
        self._aid = aid
        self._prefix = prefix
        self._waiting: deque[Take] = deque()
        self._asking: asyncio.Task[None] | None = None

    def limiter(self, name: str, rate: Rate) -> Limiter:
        return RedisLimiter(self, f"{self._prefix}:limit:{name}:", rate)

    async def take(self, key: str, interval: int, most: int) -> tuple[int, int]:
        """
        Raises:
            SharedAway: Redis has not answered in time.
        """
        self._aid.check()
        if len(self._waiting) >= WAITING_MAX:
            raise SharedAway("Too many questions wait for Redis.")
        take = Take(key, interval, most, asyncio.get_running_loop().create_future())
        self._waiting.append(take)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all(), name="shared limits")
        return await take.answer

    async def close(self) -> None:
        if self._asking is not None:
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask_all(self) -> None:
        while self._waiting:
            takes = [self._waiting.popleft() for _ in range(min(len(self._waiting), TAKES_AT_ONCE))]
            try:
                answers = await self._ask([take for take in takes if not take.answer.done()])
            except Exception as error:  # Also a bug: nobody may wait for ever.
                for take in takes:
                    if not take.answer.done():
                        take.answer.set_exception(error)
            else:
                for take, answer in answers:
                    if not take.answer.done():  # Whoever asked may have gone meanwhile.
                        take.answer.set_result(answer)

    async def _ask(self, takes: list[Take]) -> list[tuple[Take, tuple[int, int]]]:
        keys = [take.key for take in takes]
        arguments = [number for take in takes for number in (take.interval, take.most)]

        async def question(redis: Any) -> Any:
            return await redis.eval(TAKE, len(keys), *keys, *arguments) if keys else []

        return [(take, (ahead, wait)) for take, (ahead, wait) in zip(takes, await self._aid.ask(question), strict=True)]


class RedisLimiter:
    """One rate, under one name."""

    def __init__(self, limiters: RedisLimiters, prefix: str, rate: Rate) -> None:
        self._limiters = limiters
        self._prefix = prefix
        self._burst = rate.burst
        self._interval = max(round(MICROSECONDS / rate.per_second), 1)
        self._refused_until: dict[str, float] = {}
        """Monotonic seconds: what answers have told of callers who had nothing left."""

    async def take(self, caller: str) -> Allowance:
        most = self._burst * self._interval
        ahead, wait = await self._limiters.take(self._prefix + caller, self._interval, most)
        self._note(caller, ahead + self._interval - most)
        remaining = 0 if wait else (most - ahead) // self._interval
        return Allowance(self._burst, remaining, ahead / MICROSECONDS, wait / MICROSECONDS)

    def exhausted(self, caller: str) -> float:
        return max(self._refused_until.get(caller, -math.inf) - monotonic(), 0.0)

    def _note(self, caller: str, excess: int) -> None:
        if excess <= 0:
            self._refused_until.pop(caller, None)
            return
        if len(self._refused_until) >= REFUSED_MAX:
            now = monotonic()
            self._refused_until = {one: until for one, until in self._refused_until.items() if until > now}
            if len(self._refused_until) >= REFUSED_MAX:
                self._refused_until.clear()  # Each of them is refused again when they next ask.
        self._refused_until[caller] = monotonic() + excess / MICROSECONDS
