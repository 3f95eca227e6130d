"""The broker on Apache Kafka."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Any, Final

from sigdep.adapters.kafka.connecting import Endpoint, Link
from sigdep.adapters.kafka.partitions import PartitionLog
from sigdep.adapters.kafka.publisher import Publisher
from sigdep.adapters.kafka.reader import PartitionReader
from sigdep.adapters.kafka.records import TECHNOLOGY
from sigdep.adapters.kafka.topics import Topics
from sigdep.adapters.outages import Openness, persist, resume
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


class KafkaBroker:
    """A Broker on one Kafka cluster. It connects when it is first used. Each reading holds a connection."""

    def __init__(
        self,
        servers: Sequence[Endpoint],
        *,
        prefix: str = "sigdep",
        replicas: int = 1,
        kept: timedelta = KEPT,
        away_seconds_max: float = AWAY_SECONDS_MAX,
        **options: Any,
    ) -> None:
        """
        Args:
            servers: host and port of some of one cluster; they name the others.
            prefix: begins the names of topics.
            replicas: of each topic that is made here; 3 in a cluster.
            kept: how long messages are kept in topics that are made here.
            options: of aiokafka's connections: `security_protocol`, `ssl_context`, `sasl_…`.
        """
        self._openness = Openness()
        self._link = Link(servers, prefix, self._openness, **options)
        self._topics = Topics(prefix, replicas=replicas, kept=kept)
        self._publisher: Publisher | None = None
        self._publishing = asyncio.Lock()
        self._away_seconds_max = away_seconds_max

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        self._openness.check()
        check_batch(topic, messages)

        async def attempt() -> None:
            publisher = await self._present_publisher()
            await publisher.publish(topic, messages)

        async with self._publishing:
            await persist(attempt, self._openness, self._away_seconds_max)

    async def read(self, topic: str, partition: Partition, after: BrokerPosition | None) -> Reading:
        check_topic(topic, partition)

        async def read_from(reached: Bookmark | None) -> AsyncGenerator[Sequence[Delivery], None]:
            reader = PartitionReader(await self._link.connected(), self._topics, topic, partition)
            try:
                async with aclosing(reader.batches(reached)) as batches:
                    async for batch in batches:
                        yield batch
            finally:
                await reader.close()

        reading = resume(read_from, TECHNOLOGY, after, self._openness, self._away_seconds_max)
        async with aclosing(reading) as batches:
            async for batch in batches:
                yield batch

    async def last(self, topic: str, partition: Partition) -> BrokerPosition | None:
        check_topic(topic, partition)

        async def attempt() -> BrokerPosition | None:
            connections = await self._link.connected()
            with self._topics.doubted(connections, topic):
                server = await self._topics.leader(connections, topic, partition)
                log = PartitionLog(await connections.to(server), self._topics.name(topic), partition)
                last, _ = await log.last()
            return None if last is None else last.stored.bookmark

        return await persist(attempt, self._openness, self._away_seconds_max)

    async def close(self) -> None:
        self._openness.closed = True
        await self._link.close()

    async def _present_publisher(self) -> Publisher:
        connections = await self._link.connected()
        if self._publisher is None or self._publisher.connections is not connections:
            self._publisher = Publisher(connections, self._topics)
        return self._publisher
