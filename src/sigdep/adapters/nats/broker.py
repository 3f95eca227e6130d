"""The broker on NATS JetStream."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Any, Final

from sigdep.adapters.nats.address import Address, options_of
from sigdep.adapters.nats.connecting import Link
from sigdep.adapters.nats.publisher import Publisher
from sigdep.adapters.nats.reader import PartitionReader
from sigdep.adapters.nats.streams import TECHNOLOGY, Topics, bookmark
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
from sigdep.kernel.ids import Partition, Position

KEPT: Final = timedelta(days=7)


class NatsBroker:
    """A Broker on one or several NATS servers. It connects when it is first used."""

    def __init__(
        self,
        servers: Sequence[str],
        *,
        prefix: str = "sigdep",
        replicas: int = 1,
        kept: timedelta = KEPT,
        away_seconds_max: float = AWAY_SECONDS_MAX,
        **options: Any,
    ) -> None:
        """
        Args:
            servers: as in `nats://user:password@127.0.0.1:4222` or `nats://token@127.0.0.1:4222`, of one cluster.
            prefix: begins the names of streams and subjects.
            replicas: of each stream that is made here; 3 in a cluster.
            kept: how long messages are kept in streams that are made here.
            options: of nats-py's `connect`: TLS and credentials.

        Raises:
            ValueError: a server's address is none, or it is not clear who comes.
        """
        addresses = [Address.parse(server) for server in servers]
        who = options_of(addresses)
        if who and "signature_cb" in options:
            raise ValueError("Who comes is said by an address or by credentials, and not by both.")
        options = who | options
        self._openness = Openness()
        self._link = Link([address.url for address in addresses], prefix, self._openness, **options)
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
            found = await self._topics.last(await self._link.connected(), topic, partition)
            return None if found is None else bookmark(found.position or Position(0), found.seq)

        return await persist(attempt, self._openness, self._away_seconds_max)

    async def close(self) -> None:
        self._openness.closed = True
        await self._link.close()

    async def _present_publisher(self) -> Publisher:
        connection = await self._link.connected()
        if self._publisher is None or self._publisher.connection is not connection:
            self._publisher = Publisher(connection, self._topics)
        return self._publisher
