"""Reads one partition, over a connection of its own."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from typing import Final

from sigdep.adapters.kafka.connecting import Connection, Connections
from sigdep.adapters.kafka.partitions import OutOfRange, PartitionLog
from sigdep.adapters.kafka.records import Stored, decode
from sigdep.adapters.kafka.topics import Topics
from sigdep.kernel.broker import READ_BYTES_MAX, READ_MESSAGES_MAX, Bookmark, Delivery, PositionLost
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition

WAIT_SECONDS: Final = 2.0
"""How long a server holds a request for messages open. Far shorter than it may take to answer."""


class PartitionReader:
    """Fetches a batch at a time. The next one is asked for when the last has been taken: the reader sets the pace."""

    def __init__(self, connections: Connections, topics: Topics, topic: str, partition: Partition) -> None:
        self._connections, self._topics = connections, topics
        self._topic, self._partition = topic, partition
        self._connection: Connection | None = None

    async def batches(self, after: Bookmark | None) -> AsyncGenerator[Sequence[Delivery], None]:
        """
        Raises:
            PositionLost: the message at `after` is not there any more.
            Away: the connection is gone, or the server leads the partition no more.
        """
        with self._topics.doubted(self._connections, self._topic):
            log = await self._open()
            offset = await _begin(log, after)
            while True:
                fetched = decode(self._partition, await _fetch(log, offset), offset)
                records, offset = fetched.records, fetched.next_offset
                if after is not None and records:
                    _check_kept(records[0], after)
                    records, after = records[1:], None
                for batch in _in_batches(records):
                    yield batch

    async def close(self) -> None:
        if self._connection is not None:
            with suppress(Unavailable):
                await self._connections.close(self._connection)

    async def _open(self) -> PartitionLog:
        server = await self._topics.leader(self._connections, self._topic, self._partition)
        self._connection = await self._connections.another_to(server)
        return PartitionLog(self._connection, self._topics.name(self._topic), self._partition)


async def _begin(log: PartitionLog, after: Bookmark | None) -> int:
    """The offset to fetch first: of the oldest record, or of the one at a bookmark, to see whether it is there."""
    first, end = await log.bounds()
    if after is None:
        return first
    offset = int(after.place)
    if not first <= offset < end:
        raise PositionLost(f"The message at {after.position} is gone.")
    return offset


async def _fetch(log: PartitionLog, offset: int) -> bytes:
    try:
        return await log.fetch(offset, WAIT_SECONDS)
    except OutOfRange:
        raise PositionLost("What came after the last message that was read is gone.") from None


def _check_kept(record: Stored, after: Bookmark) -> None:
    if (record.offset, record.position) != (int(after.place), after.position):
        raise PositionLost(f"The message at {after.position} is gone.")


def _in_batches(records: Sequence[Stored]) -> Iterator[Sequence[Delivery]]:
    """What is ours, as the port limits it. One that is empty says that the server has answered."""
    batch, size = list[Delivery](), 0
    for record in records:
        if record.message is None:
            continue
        size += len(record.message.body)
        if len(batch) == READ_MESSAGES_MAX or (batch and size > READ_BYTES_MAX):
            yield batch
            batch, size = [], len(record.message.body)
        batch.append(Delivery(message=record.message, position=record.bookmark))
    yield batch
