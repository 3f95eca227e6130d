"""The broker on Redis streams."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from typing import Any, Final

from sigdep.adapters.outages import Away, Openness, persist, resume
from sigdep.adapters.redis.connecting import redis_at
from sigdep.adapters.redis.errors import translated
from sigdep.adapters.redis.streams import (
    APPEND,
    READ,
    TECHNOLOGY,
    append_arguments,
    bookmark,
    delivery,
    entry_id,
    position_of,
)
from sigdep.kernel.broker import (
    AWAY_SECONDS_MAX,
    READ_BYTES_MAX,
    READ_MESSAGES_MAX,
    Bookmark,
    BrokerPosition,
    Delivery,
    Message,
    PositionLost,
    Reading,
    check_batch,
    check_topic,
)
from sigdep.kernel.ids import Partition

KEPT_MESSAGES: Final = 100_000
"""Of each partition, and a few more: Redis trims by whole blocks."""

BLOCK_SECONDS: Final = 2.0
"""A reader looks again after so long, even if nothing was heard: a stream that was removed wakes nobody."""

ANSWER_SECONDS_MAX: Final = 5.0
"""Longer than BLOCK_SECONDS."""


class RedisBroker:
    """A Broker on one Redis server, which must keep an append-only file. Each reading holds a connection."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "sigdep",
        kept_messages: int = KEPT_MESSAGES,
        away_seconds_max: float = AWAY_SECONDS_MAX,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """
        Args:
            url: as in `redis://127.0.0.1:6379/0`.
            prefix: begins the name of every key.
            kept_messages: of each partition; older ones are trimmed.
            tls: with `rediss://`: whom we trust, and what we show. None: whom the system trusts.
        """
        # Nothing is tried again there: `persist` and `resume` see to that.
        self._redis = redis_at(url, tls, socket_timeout=ANSWER_SECONDS_MAX, socket_connect_timeout=ANSWER_SECONDS_MAX)
        self._prefix, self._kept = prefix, kept_messages
        self._publishing = asyncio.Lock()
        self._openness = Openness()
        self._closing = asyncio.Event()
        self._away_seconds_max = away_seconds_max

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        self._openness.check()
        check_batch(topic, messages)
        if not messages:
            return
        keys = [self._key(topic, message.partition) for message in messages]
        arguments = append_arguments(messages, self._kept)

        async def attempt() -> None:
            await self._ask(self._redis.eval(APPEND, len(keys), *keys, *arguments))

        async with self._publishing:
            await persist(attempt, self._openness, self._away_seconds_max)

    async def read(self, topic: str, partition: Partition, after: BrokerPosition | None) -> Reading:
        check_topic(topic, partition)

        async def read_from(reached: Bookmark | None) -> AsyncGenerator[Sequence[Delivery], None]:
            while True:
                batch = await self._next(topic, partition, reached)
                if batch:
                    reached = Bookmark.parse(batch[-1].position, TECHNOLOGY)
                    yield batch
                else:
                    await self._wait(topic, partition, reached)
                    yield []  # It has answered, so it is not away.

        reading = resume(read_from, TECHNOLOGY, after, self._openness, self._away_seconds_max)
        async with aclosing(reading) as batches:
            async for batch in batches:
                yield batch

    async def last(self, topic: str, partition: Partition) -> BrokerPosition | None:
        check_topic(topic, partition)

        async def attempt() -> BrokerPosition | None:
            found = await self._ask(self._redis.xrevrange(self._key(topic, partition), count=1))
            return bookmark(position_of(found[0])) if found else None

        return await persist(attempt, self._openness, self._away_seconds_max)

    async def close(self) -> None:
        self._openness.closed = True
        self._closing.set()
        with translated():
            await self._redis.aclose()

    def _key(self, topic: str, partition: Partition) -> str:
        return f"{self._prefix}:{topic}:{partition}"

    async def _next(self, topic: str, partition: Partition, reached: Bookmark | None) -> list[Delivery]:
        """What is there behind a bookmark. The message at it is read again: while it is there, nothing is missing."""
        start = "-" if reached is None else entry_id(reached.position)
        limit = READ_MESSAGES_MAX + (reached is not None)
        key = self._key(topic, partition)
        found = await self._ask(self._redis.eval(READ, 1, key, start, str(limit), str(READ_BYTES_MAX)))
        if reached is not None:
            if not found or position_of(found[0]) != reached.position:
                raise PositionLost(f"The message at {reached.position} is gone.")
            found = found[1:]
        return [delivery(partition, entry) for entry in found]

    async def _wait(self, topic: str, partition: Partition, reached: Bookmark | None) -> None:
        """Until something has been appended, or for a while."""
        start = "0-0" if reached is None else entry_id(reached.position)
        key, block = self._key(topic, partition), int(BLOCK_SECONDS * 1_000)
        await self._ask(self._redis.xread({key: start}, count=1, block=block))

    async def _ask(self, question: Awaitable[Any]) -> Any:
        """The answer, unless the broker is closed before it comes."""
        asking, closing = asyncio.ensure_future(question), asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait((asking, closing), return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise Away("The broker has been closed.")
            with translated():
                return asking.result()
        finally:
            asking.cancel()
            asking.add_done_callback(_heard)
            closing.cancel()


def _heard(asked: asyncio.Future[Any]) -> None:
    """Whoever asked has gone: that the connection was lost meanwhile is nobody's business."""
    if not asked.cancelled():
        asked.exception()
