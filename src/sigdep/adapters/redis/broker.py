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
    place_of,
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
            place = None if reached is None else reached.place
            while True:
                entries = await self._next(topic, partition, place)
                if entries:
                    place = place_of(entries[-1])
                    found = (delivery(partition, entry) for entry in entries)
                    yield [ours for ours in found if ours is not None]
                else:
                    await self._wait(topic, partition, place)
                    yield []  # It has answered, so it is not away.

        reading = resume(read_from, TECHNOLOGY, after, self._openness, self._away_seconds_max)
        async with aclosing(reading) as batches:
            async for batch in batches:
                yield batch

    async def last(self, topic: str, partition: Partition) -> BrokerPosition | None:
        check_topic(topic, partition)

        async def attempt() -> BrokerPosition | None:
            found = await self._ask(self._redis.xrevrange(self._key(topic, partition), count=1))
            return bookmark(found[0]) if found else None

        return await persist(attempt, self._openness, self._away_seconds_max)

    async def close(self) -> None:
        self._openness.closed = True
        self._closing.set()
        with translated():
            await self._redis.aclose()

    def _key(self, topic: str, partition: Partition) -> str:
        return f"{self._prefix}:{topic}:{partition}"

    async def _next(self, topic: str, partition: Partition, place: str | None) -> list[Any]:
        """The entries behind one. That one is read again: while it is there, nothing is missing."""
        start = "-" if place is None else place
        limit = READ_MESSAGES_MAX + (place is not None)
        key = self._key(topic, partition)
        found = await self._ask(self._redis.eval(READ, 1, key, start, str(limit), str(READ_BYTES_MAX)))
        entries: list[Any] = found
        if place is None:
            return entries
        if not entries or place_of(entries[0]) != place:
            raise PositionLost(f"The entry {place} is gone.")
        return entries[1:]

    async def _wait(self, topic: str, partition: Partition, place: str | None) -> None:
        """Until something has been appended, or for a while."""
        start = "0-0" if place is None else place
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
