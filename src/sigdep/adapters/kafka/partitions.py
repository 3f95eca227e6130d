"""One partition of one topic, on the server that leads it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest

from sigdep.adapters.kafka.connecting import Connection
from sigdep.adapters.kafka.errors import OFFSET_OUT_OF_RANGE, check
from sigdep.adapters.kafka.records import Last, decode_last
from sigdep.adapters.outages import Away
from sigdep.kernel.ids import Partition

FETCH_BYTES_MAX: Final = 1_048_576
"""Of one answer. A batch that is larger comes alone."""

EARLIEST, LATEST = -2, -1

CLIENT: Final = -1
"""Who asks: not another server."""

READ_UNCOMMITTED: Final = 0
"""Nobody publishes in transactions."""


class OutOfRange(Exception):
    """There is nothing at that offset: it has been trimmed, or has never been written."""


class PartitionLog:
    def __init__(self, connection: Connection, name: str, partition: Partition) -> None:
        self._connection, self._name, self.partition = connection, name, partition

    async def bounds(self) -> tuple[int, int]:
        """The offset of the first record, and that of the next one that will be written."""
        first, end = await asyncio.gather(self._offset(EARLIEST), self.end())
        return first, end

    async def end(self) -> int:
        """The offset of the next record that will be written.

        Raises:
            Away: this server does not lead the partition, or not yet.
        """
        return await self._offset(LATEST)

    async def fetch(self, offset: int, wait_seconds: float) -> bytes:
        """Batches of records, the first of which holds that offset. Empty: nothing was written there in that time.

        Raises:
            OutOfRange: nothing is there, and nothing will be written there next.
            Away: this server leads the partition no more.
        """
        wanted = [(self._name, [(self.partition, offset, FETCH_BYTES_MAX)])]
        request = FetchRequest(int(wait_seconds * 1_000), 1, FETCH_BYTES_MAX, READ_UNCOMMITTED, wanted)
        _, error_code, *_, fetched = (await self._connection.ask(request)).topics[0][1][0]
        if error_code == OFFSET_OUT_OF_RANGE:
            raise OutOfRange
        check(error_code, f"{self._name}-{self.partition}")
        return bytes(fetched or b"")

    async def last(self) -> tuple[Last | None, int]:
        """The last record, None if there is none, and the offset of the next one that will be written."""
        first, end = await self.bounds()
        if first == end:
            return None, end
        try:
            last = decode_last(self.partition, await self.fetch(end - 1, 0.0))
        except OutOfRange as error:
            raise Away(f"{self._name}-{self.partition} was trimmed just now.") from error
        if last is None:
            raise Away(f"The end of {self._name}-{self.partition} cannot be read just now.")
        return last, end

    async def _offset(self, which: int) -> int:
        offsets = await _offsets(self._connection, self._name, [self.partition], which)
        return offsets[self.partition]


async def check_led(connection: Connection, name: str, partitions: Sequence[Partition]) -> None:
    """
    Raises:
        Away: this server does not lead all of them, or not yet.
    """
    await _offsets(connection, name, partitions, LATEST)


async def _offsets(
    connection: Connection, name: str, partitions: Sequence[Partition], which: int
) -> Mapping[Partition, int]:
    wanted = [(partition, which) for partition in partitions]
    answer = await connection.ask(OffsetRequest(CLIENT, READ_UNCOMMITTED, [(name, wanted)]))
    offsets = dict[Partition, int]()
    for partition, error_code, _, offset in answer.topics[0][1]:
        check(error_code, f"{name}-{partition}")
        offsets[Partition(partition)] = int(offset)
    return offsets
