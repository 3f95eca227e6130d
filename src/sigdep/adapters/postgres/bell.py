"""Tells readers that something may have been appended: a hint that spares them waiting for their next poll."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from sigdep.adapters.postgres.connecting import CONNECT_SECONDS_MAX, connect
from sigdep.adapters.postgres.errors import translated
from sigdep.kernel.errors import Unavailable

DEAF_SECONDS: Final = 1.0
"""Between attempts to listen again. Meanwhile readers poll."""


class Bell:
    """Rings when the database notifies. It may ring for nothing, and it may miss something."""

    def __init__(self, dsn: str, schema: str) -> None:
        self._dsn = dsn
        self._channel = f"{schema}_appended"
        self._rung = asyncio.Event()
        self._job: asyncio.Task[None] | None = None
        self.hears = False
        """Whether there is a connection that rings it: otherwise whoever waits had better look."""

    def next_ring(self) -> asyncio.Event:
        """Set when the bell next rings. Take it before you look, then wait for it."""
        if self._job is None:
            self._job = asyncio.create_task(self._listen(), name=f"listen to {self._channel}")
        return self._rung

    def ring(self) -> None:
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()

    async def close(self) -> None:
        if self._job is not None:
            self._job.cancel()
            with suppress(asyncio.CancelledError):
                await self._job
        self.ring()

    async def _listen(self) -> None:
        while True:
            with suppress(Unavailable):
                await self._listen_once()
            await asyncio.sleep(DEAF_SECONDS)

    async def _listen_once(self) -> None:
        """Returns, or raises Unavailable, when the connection is lost."""
        connection = await connect(self._dsn, "sigdep listen", command_seconds=CONNECT_SECONDS_MAX)
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _connection: lost.set())
            with translated():
                await connection.add_listener(self._channel, self._hear)
            self.hears = True
            self.ring()  # For what was appended while nobody listened.
            await lost.wait()
        finally:
            self.hears = False
            connection.terminate()

    def _hear(self, *_notification: Any) -> None:
        self.ring()
