"""Notices by way of Redis that what is remembered of a user may not hold any more."""

import asyncio
from typing import Final
from uuid import UUID

from sigdep.adapters.redis.aid import RedisAid
from sigdep.adapters.redis.news import RedisNews
from sigdep.contracts.ids import UserId
from sigdep.http.revocations import Heard, LocalRevocations, Suspects
from sigdep.http.sharing import SharedAway

ANSWER_SECONDS_MAX: Final = 1.0

USERS_MAX: Final = 100
"""Named in one notice. More than that wait for the next, and more than TOLD_MAX are everybody."""

TOLD_MAX: Final = 5_000

EVERYBODY: Final = b"*"


class RedisRevocations:
    """Whoever may write to this Redis can make processes ask again, and nothing else: a notice lets nobody in."""

    def __init__(self, aid: RedisAid, news: RedisNews, *, prefix: str = "sigdep") -> None:
        self._aid = aid
        self._channel = f"{prefix}:revoked"
        self._here = LocalRevocations()
        self._waiting: list[UserId] = []
        self._everybody = False
        self._telling: asyncio.Task[None] | None = None
        news.listen(self._channel, self._hear)

    def listen(self, heard: Heard) -> None:
        self._here.listen(heard)

    def tell(self, suspects: Suspects) -> None:
        self._here.tell(suspects)
        self._waiting += () if suspects is None else suspects
        if suspects is None or len(self._waiting) > TOLD_MAX:
            self._everybody = True
            self._waiting.clear()
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_all(), name="revocations")

    async def close(self) -> None:
        """Return when what was told has been sent, or cannot be."""
        if self._telling is not None:
            await self._telling

    async def _tell_all(self) -> None:
        while self._everybody or self._waiting:
            if self._everybody:
                self._everybody, notice = False, EVERYBODY
            else:
                users, self._waiting = self._waiting[:USERS_MAX], self._waiting[USERS_MAX:]
                notice = b",".join(user.hex.encode() for user in users)
            try:
                await self._aid.ask(lambda redis, notice=notice: redis.publish(self._channel, notice))  # type: ignore[misc]
            except SharedAway:
                # Every memory ends by itself within a second: what is told later than that is told for nothing.
                self._everybody = False
                self._waiting.clear()

    def _hear(self, notice: bytes) -> None:
        self._here.tell(_suspects(notice))


def _suspects(notice: bytes) -> Suspects:
    """What cannot be read may be about anybody."""
    try:
        return [UserId(UUID(hex=user)) for user in notice.decode().split(",")]
    except ValueError:
        return None
