"""The public log of a context across a network: its owner tells it by gRPC, whether or not there is a broker."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Final

import grpc
import msgspec
from msgspec import Struct

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.public_log import EVERY_TYPE, PublicBatch, PublicLog
from sigdep.kernel.errors import Invalid
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.rpc.contract import StreamContract
from sigdep.rpc.mapping import MAPPERS
from sigdep.rpc.messages import message_class
from sigdep.rpc.passports import Gate, Sign
from sigdep.rpc.streams import (
    PIECE_BYTES_MAX,
    FollowedHandler,
    Following,
    ended,
    passport_header,
    telling,
    translating,
)

TYPES_MAX: Final = 1_000
"""That one follower may name."""


class Follow(Struct, frozen=True, kw_only=True):
    """Asks for what a context tells the others."""

    after: Mapping[Partition, Position] = {}
    """How far the one who asks has come, by partition. A partition that is not named: from the beginning."""
    types: tuple[str, ...] = ()
    """What to tell, as in `sigdep.tasks.TaskCompleted`. None: everything."""


class Told(Struct, frozen=True, kw_only=True):
    """What has happened, in the order of each partition."""

    events: tuple[bytes, ...] = ()
    """Each a CloudEvent 1.0 in its JSON format."""
    reached: Mapping[Partition, Position] = {}
    """How far this has come, by partition: to be asked for again after what was last reached. Events may be repeated
    by whoever did not come so far."""


PUBLIC_LOG: Final = StreamContract(name="contracts.public_log", method="Follow", asked=Follow, answered=Told)

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(CloudEvent).decode


def public_log_handler(published: PublicLog, gate: Gate | None = None) -> FollowedHandler:
    """Serves what a context publishes: add it to a grpc.aio server.

    Args:
        gate: lets nobody in without a passport. None: everybody is.
    """
    read, write = MAPPERS.of(Follow).read, MAPPERS.of(Told).fill
    told_class = message_class(PUBLIC_LOG, Told.__name__)
    following = Following()

    async def follow(request: Any, context: "grpc.aio.ServicerContext[Any, Any]") -> AsyncIterator[Any]:
        async with telling(context, gate), following.join():
            asked = read(request)
            if len(asked.types) > TYPES_MAX:
                raise Invalid.at("/types", f"At most {TYPES_MAX:,} can be named.")
            async with aclosing(published.follow(asked.after, frozenset(asked.types))) as batches:
                async for batch in batches:
                    for piece in _pieces(batch):
                        message = told_class()
                        write(piece, message)
                        yield message

    handler = grpc.unary_stream_rpc_method_handler(
        follow,
        request_deserializer=message_class(PUBLIC_LOG, Follow.__name__).FromString,
        response_serializer=told_class.SerializeToString,
    )
    return FollowedHandler(PUBLIC_LOG.full_name, {PUBLIC_LOG.method: handler}, following)


def _pieces(batch: PublicBatch) -> Iterator[Told]:
    """None larger than gRPC likes. Only the last says how far it has come: what was reached has been told."""
    events: list[bytes] = []
    size = 0
    for event in batch.events:
        encoded = _encode(event)
        if events and size + len(encoded) > PIECE_BYTES_MAX:
            yield Told(events=tuple(events))
            events, size = [], 0
        events.append(encoded)
        size += len(encoded)
    yield Told(events=tuple(events), reached=batch.reached)


class RemotePublicLog:
    """A PublicLog that another service tells. The channel belongs to whoever made it."""

    def __init__(self, channel: grpc.aio.Channel, sign: Sign | None = None) -> None:
        self._sign = sign
        self._follow: Any = channel.unary_stream(
            PUBLIC_LOG.full_method,
            request_serializer=message_class(PUBLIC_LOG, Follow.__name__).SerializeToString,
            response_deserializer=message_class(PUBLIC_LOG, Told.__name__).FromString,
        )
        self._read = MAPPERS.of(Told).read

    async def follow(self, after: Positions, types: Collection[str] = EVERY_TYPE) -> AsyncGenerator[PublicBatch, None]:
        request = message_class(PUBLIC_LOG, Follow.__name__)()
        MAPPERS.of(Follow).fill(Follow(after=after, types=tuple(sorted(types))), request)
        call = self._follow(request, metadata=passport_header(self._sign))
        try:
            with translating():
                async for told in call:
                    yield self._opened(told)
        finally:
            call.cancel()
        raise ended()

    def _opened(self, told: Any) -> PublicBatch:
        batch = self._read(told)
        return PublicBatch(events=[_decode(event) for event in batch.events], reached=batch.reached)
