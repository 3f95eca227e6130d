"""Batches of a log that are followed until something else happens."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

from sigdep.kernel.store import RecordedEvent


async def let_go(batches: AsyncIterator[Sequence[RecordedEvent]]) -> None:
    """Let go of what an unfinished `follow` holds."""
    close = getattr(batches, "aclose", None)
    if close is not None:
        await close()


async def unless(working: Coroutine[Any, Any, bool], interrupting: Coroutine[Any, Any, None]) -> bool:
    """What the work gives, or raises. True: it was given up, since the other has ended. What that raises, is raised."""
    work, interruption = asyncio.create_task(working), asyncio.create_task(interrupting)
    try:
        done, _ = await asyncio.wait((work, interruption), return_when=asyncio.FIRST_COMPLETED)
        if work in done:
            return work.result()
        interruption.result()
        return True
    finally:
        for job in (work, interruption):
            job.cancel()
        await asyncio.gather(work, interruption, return_exceptions=True)
