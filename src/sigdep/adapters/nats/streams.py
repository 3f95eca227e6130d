"""How a topic lies in JetStream: a stream for each topic, a subject for each partition."""

from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct

from sigdep.adapters.nats.connecting import Connection
from sigdep.adapters.nats.errors import NO_SUCH_MESSAGE, NO_SUCH_STREAM, STREAM_DIFFERS, Refused
from sigdep.kernel.broker import Bookmark, BrokerPosition, Delivery, Message, found_message
from sigdep.kernel.ids import Partition, Position

TECHNOLOGY: Final = "nats"

ID, POSITION, FOLLOWS, KEY = "Sigdep-Id", "Sigdep-Position", "Sigdep-Follows", "Sigdep-Key"


class Stored(Struct, frozen=True):
    """A message as JetStream's API gives it."""

    seq: int
    hdrs: str = ""
    """Base64."""

    @property
    def position(self) -> Position | None:
        """Its place in the log. None: somebody else has written it."""
        for line in b64decode(self.hdrs).decode(errors="replace").split("\r\n"):
            name, _, value = line.partition(":")
            if name == POSITION:
                with suppress(ValueError):
                    return Position(int(value))
        return None


class _Found(Struct, frozen=True):
    message: Stored


class _Created(Struct, frozen=True):
    type: str = ""


class Topics:
    """Streams that are made where they are missing."""

    def __init__(self, prefix: str, *, replicas: int, kept: timedelta) -> None:
        self._prefix, self._replicas, self._kept = prefix, replicas, kept

    def stream(self, topic: str) -> str:
        return f"{self._prefix}_{topic}"

    def subject(self, topic: str, partition: Partition) -> str:
        return f"{self._prefix}.{topic}.{partition}"

    async def make(self, connection: Connection, topic: str) -> None:
        """Make the stream of a topic. One that is there stays as its operator has configured it."""
        configuration = {
            "name": self.stream(topic),
            "subjects": [f"{self._prefix}.{topic}.*"],
            "retention": "limits",
            "discard": "old",
            "storage": "file",
            "num_replicas": self._replicas,
            "max_age": int(self._kept.total_seconds()) * 1_000_000_000,
            "allow_atomic": True,
        }
        try:
            await connection.ask(f"STREAM.CREATE.{self.stream(topic)}", configuration, _Created)
        except Refused as refused:
            if refused.error.err_code != STREAM_DIFFERS:
                raise refused.unavailable() from refused

    async def last(self, connection: Connection, topic: str, partition: Partition) -> Stored | None:
        """The last message kept of a partition."""
        return await self._find(connection, topic, {"last_by_subj": self.subject(topic, partition)})

    async def at(self, connection: Connection, topic: str, sequence: int) -> Stored | None:
        return await self._find(connection, topic, {"seq": sequence})

    async def _find(self, connection: Connection, topic: str, question: Mapping[str, Any]) -> Stored | None:
        try:
            return (await connection.ask(f"STREAM.MSG.GET.{self.stream(topic)}", question, _Found)).message
        except Refused as refused:
            if refused.error.err_code in {NO_SUCH_MESSAGE, NO_SUCH_STREAM}:
                return None
            raise refused.unavailable() from refused


def headers_of(message: Message) -> dict[str, str]:
    return {ID: message.id, POSITION: str(message.position), FOLLOWS: str(message.follows), KEY: message.key}


def delivery(partition: Partition, sequence: int, headers: Mapping[str, str], body: bytes) -> Delivery | None:
    """None: somebody else has written it."""
    message = found_message(
        id=headers.get(ID, ""),
        partition=partition,
        position=headers.get(POSITION, ""),
        follows=headers.get(FOLLOWS, ""),
        key=headers.get(KEY, ""),
        body=body,
    )
    return None if message is None else Delivery(message=message, position=bookmark(message.position, sequence))


def bookmark(position: Position, sequence: int) -> BrokerPosition:
    return BrokerPosition(str(Bookmark(TECHNOLOGY, position, str(sequence))))
