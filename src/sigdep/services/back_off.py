"""The pauses of those who follow a log, between attempts at what is away."""

import asyncio
from typing import Final

PAUSE_SECONDS: Final = 0.1
PAUSE_SECONDS_MAX: Final = 1.0
"""The first, doubled each time, and the longest. No longer, however long the outage: an attempt is a few questions, and
whoever waits for what is followed waits this much longer once everything is back."""


class BackOff:
    """Work that goes on must say so, by `begin_anew`: that an attempt has begun well is no reason to hurry."""

    def __init__(self) -> None:
        self._next = PAUSE_SECONDS

    async def pause(self) -> None:
        await asyncio.sleep(self._next)
        self._next = min(self._next * 2, PAUSE_SECONDS_MAX)

    def begin_anew(self) -> None:
        self._next = PAUSE_SECONDS
