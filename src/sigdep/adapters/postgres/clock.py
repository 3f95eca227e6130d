"""The clock of a PostgreSQL server, which all replicas of a service share."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from sigdep.adapters.postgres.connecting import Pool, open_pool
from sigdep.adapters.postgres.errors import Away, translated
from sigdep.kernel.errors import Unavailable

READING_SECONDS: Final = 1.0
"""One reading serves for so long: in between time goes on by the clock of this process that never leaps."""

STALE_SECONDS_MAX: Final = 15.0
"""So long it goes on without the server. Two clocks that drift are not a millisecond apart by then."""

ANSWER_SECONDS_MAX: Final = 2.0


class PostgresClock:
    """See `Clock`; make it with `open`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reading = asyncio.Lock()
        self._shown: datetime | None = None
        self._shown_at = 0.0
        self._ask_at = 0.0

    @classmethod
    async def open(cls, dsn: str) -> "PostgresClock":
        """
        Raises:
            Unavailable: the database is away.
        """
        with translated():
            settings = {"application_name": "sigdep clock"}
            return cls(
                await open_pool(dsn, settings, connections_min=0, connections_max=1, command_seconds=ANSWER_SECONDS_MAX)
            )

    async def now(self) -> datetime:
        loop = asyncio.get_running_loop()
        async with self._reading:
            if loop.time() >= self._ask_at:
                try:
                    await self._read()
                except Unavailable:
                    if self._shown is None or loop.time() - self._shown_at > STALE_SECONDS_MAX:
                        raise
                self._ask_at = loop.time() + READING_SECONDS
            assert self._shown is not None
            return self._shown + timedelta(seconds=loop.time() - self._shown_at)

    async def _read(self) -> None:
        """It showed that at some moment between question and answer: in the middle, as far as we know."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        with translated():
            try:
                shown: datetime = await self._pool.fetchval("SELECT clock_timestamp()")
            except TimeoutError as error:
                raise Away("The database took too long to say what time it is.") from error
        self._shown, self._shown_at = shown, (asked_at + loop.time()) / 2

    async def close(self) -> None:
        with translated():
            await self._pool.close()
