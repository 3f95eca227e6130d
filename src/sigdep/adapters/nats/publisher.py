"""Publishes over one connection, and remembers what stands last in each partition."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from sigdep.adapters.nats.connecting import Connection
from sigdep.adapters.nats.errors import ONE_ON_ITS_WAY, WRONG_LAST_SEQUENCE, Refused
from sigdep.adapters.nats.sending import send_batch, send_window
from sigdep.adapters.nats.streams import Topics
from sigdep.adapters.outages import Away
from sigdep.kernel.broker import Message
from sigdep.kernel.ids import Partition, Position

WINDOW_MESSAGES_MAX: Final = 128
"""More than this are sent as one atomic batch: it then takes less time than their single answers do."""


class Last(Struct, frozen=True):
    """The last message of a partition: what the next one follows on. Zeros: there is none."""

    sequence: int = 0
    position: Position = Position(0)


class Publisher:
    """Publishes over one connection: what it remembers may be untrue after the next.

    Messages are refused when what stands last in their partition is not what we know. So whatever came in between,
    an earlier attempt of ours that was thought lost or another publisher, nothing is stored twice or out of order,
    and no table of ids is needed for it.
    """

    def __init__(self, connection: Connection, topics: Topics) -> None:
        self.connection = connection
        self._topics = topics
        self._lasts: dict[tuple[str, Partition], Last] = {}
        self._foreseen: dict[str, int] = {}
        """The sequence that each topic's next message gets, if nobody else publishes meanwhile."""
        self._replicated = set[str]()
        """Topics whose streams have several replicas, as far as we have been told by a refusal."""

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """
        Raises:
            Away: it may work the next time.
            OutOfOrder: it will not.
        """
        fresh = await self._fresh(topic, messages)
        if not fresh:
            return
        try:
            sequences = await self._send(topic, fresh)
        except Refused as refused:
            self._forget(topic)
            if refused.error.err_code == ONE_ON_ITS_WAY:
                self._replicated.add(topic)
            if refused.error.err_code in {WRONG_LAST_SEQUENCE, ONE_ON_ITS_WAY}:
                raise Away("Another message was faster.") from refused
            raise refused.unavailable() from refused
        except Away:
            self._forget(topic)
            await self._topics.make(self.connection, topic)  # Perhaps that is what was missing.
            raise
        for sequence, message in zip(sequences, fresh, strict=True):
            self._lasts[topic, message.partition] = Last(sequence, message.position)
        self._foreseen[topic] = sequences[-1] + 1

    async def _fresh(self, topic: str, messages: Sequence[Message]) -> Sequence[Message]:
        """Those that are not stored yet."""
        for partition in dict.fromkeys(message.partition for message in messages):
            if (topic, partition) not in self._lasts:
                found = await self._topics.last(self.connection, topic, partition)
                last = Last() if found is None else Last(found.seq, found.position or Position(0))
                self._lasts[topic, partition] = last
        return [message for message in messages if message.position > self._lasts[topic, message.partition].position]

    async def _send(self, topic: str, messages: Sequence[Message]) -> list[int]:
        """A window where the guess that it needs is likely to be right: not after a refusal."""
        lasts = {message.partition: self._lasts[topic, message.partition].sequence for message in messages}
        foreseen = self._foreseen.get(topic)
        if len(messages) == len(lasts):
            foreseen = 0  # None follows on another: nothing needs to be foreseen.
        elif topic in self._replicated:
            foreseen = None
        if foreseen is None or len(messages) > WINDOW_MESSAGES_MAX:
            return await send_batch(self.connection, self._topics, topic, messages, lasts)
        return await send_window(self.connection, self._topics, topic, messages, lasts, foreseen)

    def _forget(self, topic: str) -> None:
        self._lasts = {known: last for known, last in self._lasts.items() if known[0] != topic}
        self._foreseen.pop(topic, None)
