"""A Redis that we can do without: asked within a bound, and left alone while it does not answer."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from redis.asyncio import Redis

from sigdep.adapters.outages import Away, OutOfOrder
from sigdep.adapters.redis.connecting import redis_at
from sigdep.adapters.redis.errors import translated
from sigdep.http.sharing import SharedAway

CONNECT_SECONDS_MAX: Final = 1.0

SLOW_ANSWERS_MAX: Final = 3
"""So many in a row that are too late, and Redis counts as away. One alone may be the fault of a busy machine."""

RETRY_SECONDS: Final = 0.5
"""Between attempts to reach one that is away. Nobody who asks waits for them."""

CONNECTIONS_MAX: Final = 50
"""For one purpose. Whoever finds them all in use goes without."""

_log = structlog.get_logger("sigdep.redis")

Question = Callable[[Redis], Awaitable[Any]]


class RedisAid:
    """One purpose's way to one Redis, with a bound of its own. Says in the log when it is lost and when it is back."""

    def __init__(self, url: str, purpose: str, *, answer_seconds: float, tls: ssl.SSLContext | None = None) -> None:
        """
        Args:
            url: as in `redis://127.0.0.1:6379/0`.
            purpose: names it in logs and figures.
            tls: with `rediss://`: whom we trust, and what we show. None: whom the system trusts.
            answer_seconds: how long one answer may take. A connection may take longer, but for who asks first.
        """
        self.purpose = purpose
        self.is_away = False
        self.losses = 0
        """Questions that were not answered, but for those that nobody asked because it was away."""
        self._answer_seconds = answer_seconds
        self._connect_seconds = max(answer_seconds, CONNECT_SECONDS_MAX)
        self._slow_answers = 0
        self._trying: asyncio.Task[None] | None = None
        self._redis = redis_at(
            url,
            tls,
            socket_timeout=None,  # Its own goes through `asyncio.wait_for`, which loses a cancellation now and then.
            socket_connect_timeout=self._connect_seconds,
            max_connections=CONNECTIONS_MAX,
        )

    def check(self) -> None:
        """
        Raises:
            SharedAway: it is away, and need not be asked.
        """
        if self.is_away:
            raise SharedAway("Redis is away.")

    async def ask(self, question: Question) -> Any:
        """
        Raises:
            SharedAway: no answer came in time. What was asked may have been done.
        """
        self.check()
        try:
            answer = await self._answer(question, self._answer_seconds)
        except TimeoutError:
            self.losses += 1
            self._slow_answers += 1
            why = f"It did not answer within {self._answer_seconds * 1_000:g} ms."
            if self._slow_answers >= SLOW_ANSWERS_MAX:
                self._lose(why)
            raise SharedAway(why) from None
        except (Away, OutOfOrder) as error:
            self.losses += 1
            self._lose(error.detail)
            raise SharedAway(error.detail) from error
        self._slow_answers = 0
        return answer

    async def close(self) -> None:
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.gather(self._trying, return_exceptions=True)
        with translated():
            await self._redis.aclose()

    async def _answer(self, question: Question, seconds: float) -> Any:
        async with asyncio.timeout(seconds):
            with translated():
                return await question(self._redis)

    def _lose(self, why: str) -> None:
        if self.is_away:
            return
        self.is_away = True
        _log.warning("redis is away, this process goes on alone", purpose=self.purpose, reason=why)
        self._trying = asyncio.create_task(self._until_back(), name=f"redis {self.purpose}")

    async def _until_back(self) -> None:
        """A first answer opens the connection; a second one must come as quickly as all answers must."""
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            try:
                await self._answer(lambda redis: redis.ping(), self._connect_seconds)
                await self._answer(lambda redis: redis.ping(), self._answer_seconds)
            except (Away, OutOfOrder, TimeoutError):
                continue
            self.is_away, self._slow_answers = False, 0
            _log.info("redis is back", purpose=self.purpose)
            return
