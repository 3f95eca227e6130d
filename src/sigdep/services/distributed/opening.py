"""Opens what a process serves once what it needs is there, and says meanwhile what that is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from typing import Final, TypeVar

import structlog

from sigdep.kernel.errors import Unavailable, with_cause
from sigdep.services.distributed.checks import said
from sigdep.services.distributed.role import Check

WAIT_SECONDS: Final = 1.0
"""Between attempts to open what is away: a database that is still starting is no reason to end."""
WAIT_SECONDS_MAX: Final = 120.0

T = TypeVar("T")

_log = structlog.get_logger("sigdep.service")


class Opening:
    """The start of one process, and what its health says: what is waited for, and then how each part is."""

    def __init__(self) -> None:
        self.checks: dict[str, Check] = {"start": said(lambda: self._state)}
        self._state = "It is starting."

    def is_over(self, checks: Mapping[str, Check]) -> None:
        """It serves: from now on its parts are what is looked at."""
        self.checks.clear()
        self.checks.update(checks)

    @asynccontextmanager
    async def opened(
        self,
        open_it: Callable[[], AbstractAsyncContextManager[T]],
        meanwhile: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> AsyncIterator[T]:
        """What is served, once what it needs is there: for WAIT_SECONDS_MAX, then it is given up.

        Args:
            meanwhile: open while something is away. Whoever asks during a start to which nothing is missing is answered
                by what is served, a moment later.

        Raises:
            Unavailable: it was given up.
        """
        until = asyncio.get_running_loop().time() + WAIT_SECONDS_MAX
        async with AsyncExitStack() as stack:
            opened = await self._try(open_it(), stack, until)
            if opened is None:
                async with meanwhile():
                    while opened is None:
                        await asyncio.sleep(WAIT_SECONDS)
                        opened = await self._try(open_it(), stack, until)
            yield opened

    async def _try(self, opening: AbstractAsyncContextManager[T], stack: AsyncExitStack, until: float) -> T | None:
        try:
            return await stack.enter_async_context(opening)
        except Unavailable as error:
            if asyncio.get_running_loop().time() > until:
                raise
            # What follows on the colon may name hosts and users: that is for the log, not for whoever asks.
            self._state = f"It waits: {error.detail.partition(':')[0].rstrip('.')}. The log says more."
            _log.warning("waiting", reason=with_cause(error))
            return None
