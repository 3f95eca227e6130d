"""Looks from time to time whether the time has come for something, wherever the context runs."""

import asyncio
from datetime import datetime
from typing import Final, Protocol

import structlog

from sigdep.http.stamps import utc_now
from sigdep.kernel.errors import SigdepError

LOOK_SECONDS: Final = 1.0

_log = structlog.get_logger(__name__)


class Timers(Protocol):
    async def run_due(self, now: datetime) -> bool:
        """Do what is due. True: there may be more already."""
        ...


async def run_timers(timers: Timers) -> None:
    """For ever. What could not be done is found again at the next look."""
    while True:
        try:
            await timers.run_due(utc_now())
        except SigdepError as error:
            _log.warning("what is due waits", error=type(error).__name__)
        await asyncio.sleep(LOOK_SECONDS)
