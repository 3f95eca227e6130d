"""Publishes over the connections to one cluster, and remembers what stands last in each partition.

Kafka numbers the records of a producer, and refuses a batch that does not follow on the last one of that producer in
that partition. The numbers stand in the log. All of us are one producer, so whoever publishes goes on with the number
that he finds at the end of a partition: of two batches for the same place one is stored, and the other one is refused,
or known as the same and answered as if it had been stored.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from aiokafka.protocol.produce import ProduceRequest
from msgspec import Struct

from sigdep.adapters.kafka.connecting import ANSWER_SECONDS_MAX, Connections, Server
from sigdep.adapters.kafka.errors import DUPLICATE_SEQUENCE, OLD_EPOCH, OUT_OF_ORDER_SEQUENCE, check
from sigdep.adapters.kafka.partitions import PartitionLog
from sigdep.adapters.kafka.records import Place, encode
from sigdep.adapters.kafka.topics import Topics
from sigdep.adapters.outages import Away
from sigdep.kernel.broker import Message
from sigdep.kernel.ids import Partition, Position

ALL_REPLICAS: Final = -1
"""Have stored what is acknowledged: those that keep up, at least `min.insync.replicas` of them."""


class End(Struct, frozen=True):
    """Of a partition: the position of its last message, 0 if there is none, and where the next one goes."""

    position: Position
    offset: int
    place: Place
    guessed: bool = False
    """Nobody can read any more where our producer was."""


class Batch(Struct, frozen=True):
    """What is sent to one partition at once."""

    partition: Partition
    encoded: bytes
    end: End
    """Of the partition, once this has been stored."""


class Publisher:
    """What it remembers may be untrue after other connections."""

    def __init__(self, connections: Connections, topics: Topics) -> None:
        self.connections = connections
        self._topics = topics
        self._ends: dict[tuple[str, Partition], End] = {}
        self._guesses: dict[tuple[str, Partition], Place] = {}
        """Where to begin a partition that is empty, if not at the very first place: an epoch of which the servers
        remember nothing."""

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """
        Raises:
            Away: it may work the next time.
            OutOfOrder: it will not.
        """
        try:
            with self._topics.doubted(self.connections, topic):
                waiting = await self._fresh(topic, messages)
                while waiting:
                    batches = [self._batch(topic, partition, waiting) for partition in list(waiting)]
                    await self._send(topic, batches)
        except BaseException:
            self._forget(topic)
            raise

    async def _fresh(self, topic: str, messages: Sequence[Message]) -> dict[Partition, Sequence[Message]]:
        """Those that are not stored yet."""
        parts: dict[Partition, list[Message]] = defaultdict(list)
        for message in messages:
            parts[message.partition].append(message)
        unknown = [partition for partition in parts if (topic, partition) not in self._ends]
        for partition, end in zip(unknown, await self._find(topic, unknown), strict=True):
            self._ends[topic, partition] = end
        fresh = {
            partition: [message for message in part if message.position > self._ends[topic, partition].position]
            for partition, part in parts.items()
        }
        return {partition: part for partition, part in fresh.items() if part}

    async def _find(self, topic: str, partitions: Sequence[Partition]) -> Sequence[End]:
        return await asyncio.gather(*(self._end(topic, partition) for partition in partitions))

    async def _end(self, topic: str, partition: Partition) -> End:
        server = await self._topics.leader(self.connections, topic, partition)
        log = PartitionLog(await self.connections.to(server), self._topics.name(topic), partition)
        last, offset = await log.last()
        position = Position(0) if last is None else last.stored.position
        if last is None or last.followed_by is None:
            return End(position, offset, self._guesses.get((topic, partition), Place()), guessed=True)
        return End(position, offset, last.followed_by)

    def _batch(self, topic: str, partition: Partition, waiting: dict[Partition, Sequence[Message]]) -> Batch:
        """What fits into one batch of what waits, and waits no more."""
        part, end = waiting.pop(partition), self._ends[topic, partition]
        encoded, number = encode(part, end.place)
        if part[number:]:
            waiting[partition] = part[number:]
        return Batch(partition, encoded, End(part[number - 1].position, end.offset + number, end.place.after(number)))

    async def _send(self, topic: str, batches: Sequence[Batch]) -> None:
        by_server: dict[Server, list[Batch]] = defaultdict(list)
        for batch in batches:
            by_server[await self._topics.leader(self.connections, topic, batch.partition)].append(batch)
        await asyncio.gather(*(self._send_to(server, topic, part) for server, part in by_server.items()))
        for batch in batches:
            self._ends[topic, batch.partition] = batch.end

    async def _send_to(self, server: Server, topic: str, batches: Sequence[Batch]) -> None:
        name, connection = self._topics.name(topic), await self.connections.to(server)
        parts = [(batch.partition, batch.encoded) for batch in batches]
        request = ProduceRequest(None, ALL_REPLICAS, int(ANSWER_SECONDS_MAX * 1_000), [(name, parts)])
        answer = await connection.ask(request)
        for partition, code, offset, *_ in answer.topics[0][1]:
            end = self._ends[topic, partition]
            if code in {OUT_OF_ORDER_SEQUENCE, DUPLICATE_SEQUENCE, OLD_EPOCH} or (code == 0 and offset < end.offset):
                self._guess_again(topic, partition, end)
                raise Away("Another publisher was faster.")
            check(code, f"{name}-{partition}")

    def _guess_again(self, topic: str, partition: Partition, end: End) -> None:
        """The server remembers that place, or takes what comes for what once was there, and has not stored it."""
        if end.guessed:
            self._guesses[topic, partition] = end.place.in_next_epoch()

    def _forget(self, topic: str) -> None:
        self._ends = {known: end for known, end in self._ends.items() if known[0] != topic}
