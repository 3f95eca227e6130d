"""The broker as lists in memory: the model that the real adapters are tested against."""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from sigdep.kernel.broker import (
    READ_BYTES_MAX,
    READ_MESSAGES_MAX,
    Bookmark,
    BrokerPosition,
    Continuity,
    Delivery,
    Message,
    PositionLost,
    Reading,
    check_batch,
    check_topic,
)
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition

TECHNOLOGY: Final = "memory"


@dataclass
class MemoryTopics:
    """What a server would hold. Several brokers may share one."""

    logs: dict[tuple[str, Partition], list[Message]] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced by a new one, whenever something has changed."""

    def wake(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def trim(self, topic: str, partition: Partition, kept: int) -> None:
        """Keep only the last messages of a partition, as a real broker does with old ones."""
        log = self.logs.get((topic, partition), [])
        self.logs[topic, partition] = log[max(0, len(log) - kept) :]
        self.wake()


class MemoryBroker:
    """A Broker whose topics end with the process."""

    def __init__(self, topics: MemoryTopics | None = None) -> None:
        self._topics = MemoryTopics() if topics is None else topics
        self._closed = False

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        self._check_open()
        check_batch(topic, messages)
        for message in messages:
            log = self._topics.logs.setdefault((topic, message.partition), [])
            if not log or log[-1].position < message.position:
                log.append(message)
        self._topics.wake()

    async def read(self, topic: str, partition: Partition, after: BrokerPosition | None) -> Reading:
        self._check_open()
        check_topic(topic, partition)
        continuity = Continuity(None if after is None else Bookmark.parse(after, TECHNOLOGY).position)
        while not self._closed:
            changed = self._topics.changed
            batch, lost = _next(self._topics.logs.get((topic, partition), []), continuity)
            if batch:
                yield batch
            if lost is not None:
                raise lost
            if not batch:
                await changed.wait()

    async def last(self, topic: str, partition: Partition) -> BrokerPosition | None:
        self._check_open()
        check_topic(topic, partition)
        log = self._topics.logs.get((topic, partition))
        return _position(log[-1]) if log else None

    async def close(self) -> None:
        self._closed = True
        self._topics.wake()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The broker has been closed.")


def _next(log: Sequence[Message], continuity: Continuity) -> tuple[list[Delivery], PositionLost | None]:
    """The next batch, and what ends the reading after it."""
    start = 0
    if continuity.reached is not None:
        start = bisect_right(log, continuity.reached, key=lambda message: message.position)
        if start == 0 or log[start - 1].position != continuity.reached:
            return [], PositionLost(f"The message at {continuity.reached} is gone.")
    batch, size = list[Delivery](), 0
    for message in islice(log, start, start + READ_MESSAGES_MAX):
        size += len(message.body)
        if batch and size > READ_BYTES_MAX:
            break
        batch.append(Delivery(message=message, position=_position(message)))
    return continuity.sift(batch)


def _position(message: Message) -> BrokerPosition:
    return BrokerPosition(str(Bookmark(TECHNOLOGY, message.position, str(message.position))))
