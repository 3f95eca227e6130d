"""The jobs that run beside the requests: one that ends unasked is started again, and said."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

import structlog

Job = Callable[[], Awaitable[None]]
"""Runs for ever, or until there is nothing to do."""

PAUSE_SECONDS: Final = 0.5
PAUSE_SECONDS_MAX: Final = 30.0
"""Before a job that failed is started again: the first time, doubled each time, and the longest."""

STEADY_SECONDS: Final = 60.0
"""A job that has run for so long failed for a reason of its own, not for that of the failure before."""

_log = structlog.get_logger("sigdep.jobs")


class Jobs:
    """`async with Jobs() as jobs:` whatever was started inside is stopped at the end of the block."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._faults: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(self, name: str, job: Job) -> None:
        self._tasks.append(asyncio.create_task(self._keep(name, job), name=name))

    def fault(self) -> str | None:
        """The jobs that failed and wait for their next start. None: there are none."""
        return "; ".join(f"{name}: {fault}" for name, fault in self._faults.items()) or None

    async def _keep(self, name: str, job: Job) -> None:
        pause, loop = PAUSE_SECONDS, asyncio.get_running_loop()
        while True:
            begun = loop.time()
            try:
                await job()
            except Exception as error:
                _log.exception("job failed", job=name)
                self._faults[name] = type(error).__name__
                if loop.time() - begun > STEADY_SECONDS:
                    pause = PAUSE_SECONDS
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_SECONDS_MAX)
                self._faults.pop(name, None)
            else:
                return
