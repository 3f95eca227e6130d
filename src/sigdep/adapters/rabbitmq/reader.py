"""Reads one partition, over one connection, by a subscription that ends with its reader.

RabbitMQ sends chunks: what was stored at once, and so also what stands before the place that was asked for. It does not
say that a place is past the end, or trimmed: it begins somewhere else, or waits. So we begin at the message that the
reader has worked off already: while that is there, and is the same, nothing is missing.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Final

from rstream import exceptions, schema
from rstream.constants import OffsetType

from sigdep.adapters.outages import Away
from sigdep.adapters.rabbitmq.connecting import ANSWER_SECONDS_MAX, Connection
from sigdep.adapters.rabbitmq.streams import Stored, Topics, stored
from sigdep.adapters.rabbitmq.waiting import Subscription
from sigdep.kernel.broker import READ_BYTES_MAX, READ_MESSAGES_MAX, Bookmark, Delivery, PositionLost
from sigdep.kernel.ids import Partition

CHUNKS_MAX: Final = 4
"""That are under way to a reader, or wait for it. Of ours, from one publisher, they are within READ_BYTES_MAX."""

IDLE_SECONDS: Final = 2.0
"""A subscription that has brought nothing for so long is in order, and there is nothing."""

SILENT: Final = "RabbitMQ does not send what it has."

NO_LEADER: Final = 65_535
"""In the place of the number of a node."""


class PartitionReader:
    def __init__(self, connection: Connection, topics: Topics, topic: str, partition: Partition) -> None:
        self._connection, self._topics = connection, topics
        self._stream, self._partition = topics.stream(topic, partition), partition

    async def batches(self, after: Bookmark | None) -> AsyncGenerator[Sequence[Delivery], None]:
        """What comes after a bookmark. Empty batches too, while there is nothing: the broker is there.

        Raises:
            PositionLost: the message at `after` is not there any more.
            Away: the connection or the stream is gone.
            ServerError: RabbitMQ refuses.
        """
        subscription = await (self._at_the_beginning() if after is None else self._at(after))
        try:
            if after is not None:
                for batch in _in_batches(self._behind(await self._chunk(subscription), after)):
                    yield batch
                await self._connection.credit(subscription)
            while True:
                try:
                    chunk = await subscription.next(IDLE_SECONDS)
                except TimeoutError:
                    yield []
                    continue
                for batch in _in_batches(self._stored(chunk)):
                    yield batch
                await self._connection.credit(subscription)
        finally:
            self._connection.unsubscribe(subscription)

    async def last(self) -> Stored | None:
        """What stands last. None: there is nothing.

        Raises:
            Away, ServerError: as `batches`.
        """
        try:
            if await self._is_empty():
                return None  # Nothing would ever come.
        except exceptions.StreamDoesNotExist:
            return None
        subscription = await self._subscribe(OffsetType.LAST, None, credit=1)
        try:
            return self._stored(await subscription.next(ANSWER_SECONDS_MAX))[-1]
        except TimeoutError:
            if await self._is_trimmed():
                return None
            self._connection.lose()
            raise Away(SILENT) from None
        finally:
            self._connection.unsubscribe(subscription)

    async def _is_trimmed(self) -> bool:
        """Nothing of what was stored is kept: the file in use is new, and all before it were too old.

        No answer of RabbitMQ 3.10 says so. It is silent where there is nothing, from whatever place it is asked.
        """
        subscription = await self._subscribe(OffsetType.FIRST, None, credit=1)
        try:
            await subscription.next(ANSWER_SECONDS_MAX)
        except TimeoutError:
            return True
        else:
            return False
        finally:
            self._connection.unsubscribe(subscription)

    async def _is_empty(self) -> bool:
        # Asked after the last publishing id of a stream that has no leader, RabbitMQ 3.10 ends the connection, and with
        # it all other readings. So it is asked for the leader first.
        found = await self._connection.ask(schema.Metadata, schema.MetadataResponse, streams=[self._stream])
        if found.metadata[0].leader_ref == NO_LEADER:
            raise exceptions.LeaderNotAvailable(f"{self._stream} has no leader")
        last = await self._connection.ask(
            schema.QueryPublisherSequence,
            schema.QueryPublisherSequenceResponse,
            publisher_ref=self._topics.publisher,
            stream=self._stream,
        )
        return last.sequence == 0

    async def _at_the_beginning(self) -> Subscription:
        try:
            return await self._subscribe(OffsetType.FIRST, None)
        except exceptions.StreamDoesNotExist:
            await self._topics.make(self._connection, self._stream)
            return await self._subscribe(OffsetType.FIRST, None)

    async def _at(self, after: Bookmark) -> Subscription:
        last = await self.last()
        if last is None or last.offset < int(after.place):
            raise PositionLost(f"The message at {after.position} is gone.")
        return await self._subscribe(OffsetType.OFFSET, int(after.place))

    async def _subscribe(self, kind: OffsetType, offset: int | None, credit: int = CHUNKS_MAX) -> Subscription:
        return await self._connection.subscribe(self._stream, schema.OffsetSpec.from_params(kind, offset), credit)

    async def _chunk(self, subscription: Subscription) -> schema.Deliver:
        """One that must be there.

        Raises:
            Away: it is not.
        """
        try:
            return await subscription.next(ANSWER_SECONDS_MAX)
        except TimeoutError:
            self._connection.lose()
            raise Away(SILENT) from None

    def _behind(self, chunk: schema.Deliver, after: Bookmark) -> list[Stored]:
        before = int(after.place) - chunk.chunk_first_offset
        found = self._stored(chunk)[before:] if before >= 0 else []
        if not found or found[0].position != after.position:
            raise PositionLost(f"The message at {after.position} is gone.")
        return found[1:]

    def _stored(self, chunk: schema.Deliver) -> list[Stored]:
        encoded = enumerate(chunk.get_messages(), chunk.chunk_first_offset)
        return [stored(self._partition, offset, message) for offset, message in encoded]


def _in_batches(found: Iterable[Stored]) -> list[list[Delivery]]:
    """What is ours: no batch empty, none over the limits."""
    batches, size = list[list[Delivery]](), 0
    for one in found:
        if one.message is None:
            continue
        size += len(one.message.body)
        if not batches or len(batches[-1]) == READ_MESSAGES_MAX or size > READ_BYTES_MAX:
            batches.append([])
            size = len(one.message.body)
        batches[-1].append(Delivery(message=one.message, position=one.bookmark))
    return batches
