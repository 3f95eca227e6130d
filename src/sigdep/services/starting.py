"""The start of a server: what waits for its read models, and what is said until they are there."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from sigdep.services.collector import calm_collector
from sigdep.services.contexts.opening import Contexts
from sigdep.services.jobs import Jobs
from sigdep.services.rebuilding import SAID_EVERY_SECONDS

SILENT_SECONDS: Final = 5.0
"""Requests that come sooner than the read models wait for so long, as everything is mostly there by then. After that
they are answered with what there is."""


class Start:
    """Of everything that must be there before it is said that a server is ready."""

    def __init__(
        self, contexts: Contexts, jobs: Jobs, *, on_ready: Callable[[], None], say: Callable[[str], None]
    ) -> None:
        """
        Args:
            on_ready: called once, when it listens and every read model answers.
            say: is told now and then what is waited for.
        """
        self.listens = asyncio.Event()
        """To be set when requests can be answered."""
        self._contexts = contexts
        self._jobs = jobs
        self._on_ready = on_ready
        self._say = say

    async def begin(self) -> None:
        """Start what follows the logs. Returns when it is time to answer requests."""
        for name, job in self._contexts.followers():
            self._jobs.start(name, job)
        with suppress(TimeoutError):
            async with asyncio.timeout(SILENT_SECONDS):
                await self._contexts.caught_up()
        calm_collector()
        self._jobs.start("start", self._finish)
        self._jobs.start("start of chores", self._begin_chores)

    async def _finish(self) -> None:
        await self.listens.wait()
        saying = asyncio.create_task(self._say_what_is_awaited())
        try:
            await self._contexts.answering()
        finally:
            saying.cancel()
        self._on_ready()

    async def _say_what_is_awaited(self) -> None:
        while True:
            for projector in self._contexts.projectors:
                if not projector.has_build:
                    self._say(f"SigDep is not ready yet: {projector.name} is {projector.state}.")
            await asyncio.sleep(SAID_EVERY_SECONDS)

    async def _begin_chores(self) -> None:
        """They rest on what the read models say, so all of it must be there."""
        await self._contexts.caught_up()
        for name, job in self._contexts.chores.items():
            self._jobs.start(name, job)
