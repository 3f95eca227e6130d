"""The broker on RabbitMQ streams."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from sigdep.adapters.outages import Openness, persist, resume
from sigdep.adapters.rabbitmq.address import Address
from sigdep.adapters.rabbitmq.errors import translated
from sigdep.adapters.rabbitmq.linking import Link
from sigdep.adapters.rabbitmq.publisher import Publisher
from sigdep.adapters.rabbitmq.reader import PartitionReader
from sigdep.adapters.rabbitmq.streams import TECHNOLOGY, Topics
from sigdep.kernel.broker import (
    AWAY_SECONDS_MAX,
    Bookmark,
    BrokerPosition,
    Delivery,
    Message,
    Reading,
    check_batch,
    check_topic,
)
from sigdep.kernel.ids import Partition

KEPT: Final = timedelta(days=7)

SEGMENT_BYTES: Final = 16_000_000
"""Of the files of a stream. What is too old goes by whole files, and never the last one, which may be empty."""


class RabbitMQBroker:
    """A Broker on RabbitMQ streams. It connects when it is first used: once to publish, and once for many readings."""

    def __init__(
        self,
        servers: Sequence[str],
        *,
        prefix: str = "sigdep",
        kept: timedelta = KEPT,
        segment_bytes: int = SEGMENT_BYTES,
        away_seconds_max: float = AWAY_SECONDS_MAX,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """
        Args:
            servers: as in `rabbitmq-stream://user:password@host:5552/virtual-host`, nodes of one cluster, each of
                which must hold all streams.
            prefix: begins the names of streams; all who publish must use the same.
            kept: how long messages are kept in streams that are made here.
            tls: with `rabbitmq-stream+tls://`: whom we trust, and what we show. None: whom the system trusts.

        Raises:
            ValueError: a server's address is none.
        """
        addresses = [Address.parse(server) for server in servers]
        self._openness = Openness()
        # Where memory or disk is short, RabbitMQ stops to listen to who publishes. Readers must not be held up by that.
        self._to_publish, self._to_read = Link(addresses, self._openness, tls), Link(addresses, self._openness, tls)
        self._topics = Topics(prefix, kept=kept, segment_bytes=segment_bytes)
        self._publisher: Publisher | None = None
        self._publishing = asyncio.Lock()
        self._away_seconds_max = away_seconds_max

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        self._openness.check()
        check_batch(topic, messages)
        if not messages:
            return

        async def attempt() -> None:
            publisher = await self._present_publisher()
            with translated():
                await publisher.publish(topic, messages)

        async with self._publishing:
            await persist(attempt, self._openness, self._away_seconds_max)

    async def read(self, topic: str, partition: Partition, after: BrokerPosition | None) -> Reading:
        check_topic(topic, partition)

        async def read_from(reached: Bookmark | None) -> AsyncGenerator[Sequence[Delivery], None]:
            with translated():
                reader = PartitionReader(await self._to_read.connected(), self._topics, topic, partition)
                async with aclosing(reader.batches(reached)) as batches:
                    async for batch in batches:
                        yield batch

        reading = resume(read_from, TECHNOLOGY, after, self._openness, self._away_seconds_max)
        async with aclosing(reading) as batches:
            async for batch in batches:
                yield batch

    async def last(self, topic: str, partition: Partition) -> BrokerPosition | None:
        check_topic(topic, partition)

        async def attempt() -> BrokerPosition | None:
            with translated():
                found = await PartitionReader(await self._to_read.connected(), self._topics, topic, partition).last()
                return None if found is None else found.bookmark

        return await persist(attempt, self._openness, self._away_seconds_max)

    async def close(self) -> None:
        self._openness.closed = True
        await self._to_publish.close()
        await self._to_read.close()

    async def _present_publisher(self) -> Publisher:
        connection = await self._to_publish.connected()
        if self._publisher is None or self._publisher.connection is not connection:
            self._publisher = Publisher(connection, self._topics)
        return self._publisher
