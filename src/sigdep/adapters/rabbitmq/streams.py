"""How a topic lies in RabbitMQ: a stream for each partition, whose messages are AMQP 1.0 that any client can read.

The publishing id of a message is its position in the log, under one publisher's name for everybody. So RabbitMQ itself
passes over a message that is not past the last one, whoever publishes it, and keeps that in mind in the stream: over
its own crashes, and after the message has been trimmed.
"""

import struct
from datetime import timedelta
from typing import Final

from msgspec import Struct
from rstream import exceptions, schema

from sigdep.adapters.rabbitmq.connecting import Connection
from sigdep.kernel.broker import Bookmark, BrokerPosition, Message, found_message
from sigdep.kernel.ids import Partition, Position

TECHNOLOGY: Final = "rabbitmq"

# AMQP 1.0 §3.2: the sections properties (message-id, nine that are null, group-id), application-properties (two
# of type ulong) and data.
_PROPERTIES: Final = struct.Struct(">4sIIcI")
_GROUP: Final = struct.Struct(">9scI")
_NUMBERS: Final = struct.Struct(">4sII11sQ10sQ")
_BODY: Final = struct.Struct(">4sI")
_STRING: Final = b"\xb1"
_IS_PROPERTIES, _IS_NUMBERS, _IS_BODY = b"\x00\x53\x73\xd0", b"\x00\x53\x74\xd1", b"\x00\x53\x75\xb0"
_NULLS: Final = b"\x40" * 9
_POSITION, _FOLLOWS = b"\xa1\x08position\x80", b"\xa1\x07follows\x80"


class Topics:
    """Streams that are made where they are missing."""

    def __init__(self, prefix: str, *, kept: timedelta, segment_bytes: int) -> None:
        self.publisher = prefix
        """The name under which everybody publishes."""
        self._kept, self._segment_bytes = kept, segment_bytes

    def stream(self, topic: str, partition: Partition) -> str:
        return f"{self.publisher}.{topic}.{partition}"

    async def make(self, connection: Connection, stream: str) -> None:
        """Make a stream. One that is there stays as its operator has configured it."""
        arguments = [
            schema.Property("max-age", f"{int(self._kept.total_seconds())}s"),
            schema.Property("stream-max-segment-size-bytes", str(self._segment_bytes)),
        ]
        try:
            await connection.ask(schema.Create, schema.CreateResponse, stream=stream, arguments=arguments)
        except (exceptions.StreamAlreadyExists, exceptions.PreconditionFailed):
            return


def encoded(message: Message) -> bytes:
    identity, key = message.id.encode(), message.key.encode()
    size = 4 + 5 + len(identity) + len(_NULLS) + 5 + len(key)
    return b"".join(
        (
            _PROPERTIES.pack(_IS_PROPERTIES, size, 11, _STRING, len(identity)),
            identity,
            _GROUP.pack(_NULLS, _STRING, len(key)),
            key,
            _NUMBERS.pack(_IS_NUMBERS, 41, 4, _POSITION, message.position, _FOLLOWS, message.follows),
            _BODY.pack(_IS_BODY, len(message.body)),
            message.body,
        )
    )


class Stored(Struct, frozen=True):
    """What stands at a place of a stream."""

    offset: int
    message: Message | None
    """None: somebody else has written it."""

    @property
    def position(self) -> Position:
        return Position(0) if self.message is None else self.message.position

    @property
    def bookmark(self) -> BrokerPosition:
        return BrokerPosition(str(Bookmark(TECHNOLOGY, self.position, str(self.offset))))


def stored(partition: Partition, offset: int, encoded: bytes) -> Stored:
    try:
        return Stored(offset, _decoded(partition, encoded))
    except (ValueError, struct.error):
        return Stored(offset, None)


def _decoded(partition: Partition, stored: bytes) -> Message | None:
    kind, _, _, _, length = _PROPERTIES.unpack_from(stored)
    identity_end = _PROPERTIES.size + length
    nulls, _, length = _GROUP.unpack_from(stored, identity_end)
    key_end = identity_end + _GROUP.size + length
    numbers, _, _, position_name, position, follows_name, follows = _NUMBERS.unpack_from(stored, key_end)
    body, length = _BODY.unpack_from(stored, key_end + _NUMBERS.size)
    body_at = key_end + _NUMBERS.size + _BODY.size
    named = (kind, nulls, numbers, position_name, follows_name, body)
    if named != (_IS_PROPERTIES, _NULLS, _IS_NUMBERS, _POSITION, _FOLLOWS, _IS_BODY) or len(stored) != body_at + length:
        raise ValueError("It has other sections.")
    return found_message(
        id=stored[_PROPERTIES.size : identity_end].decode(),
        partition=partition,
        position=position,
        follows=follows,
        key=stored[identity_end + _GROUP.size : key_end].decode(),
        body=bytes(stored[body_at:]),
    )
