"""A sealed log across a network: `sigdep.log.v1.Log`, asked by services of the same system.

Requests and answers are MessagePack. Answers that hold rows come in pieces, so that none is larger than gRPC likes.

    Heads       nothing                         → [[partition, position], …]
    ReadStream  [stream, after, until or nil]   → pieces of rows
    ReadAll     [[[partition, position], …], limit] → pieces of rows
    Follow      [[partition, position], …]      → batches of rows, for ever
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final

import grpc
import msgspec

from sigdep.kernel.chain import StoredRow
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position, Positions, StreamId, Version
from sigdep.kernel.sealed_log import SealedLog, decode_rows, encode_rows
from sigdep.kernel.store import READ_EVENTS_MAX
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

SERVICE: Final = "sigdep.log.v1.Log"

HEADS_SECONDS_MAX: Final = 5.0
READ_SECONDS_MAX: Final = 30.0

_encode: Final = msgspec.msgpack.Encoder().encode

Places = list[tuple[Partition, Position]]


def _decoder(kind: Any) -> Callable[[bytes], Any]:
    return msgspec.msgpack.Decoder(kind).decode


def _identity(encoded: bytes) -> bytes:
    return encoded


def log_handler(log: SealedLog, gate: Gate | None = None) -> FollowedHandler:
    """Serves the log: add it to a grpc.aio server.

    Args:
        gate: lets nobody in without a passport. None: everybody is.
    """
    servicer = _Servicer(log, gate)

    def stream(handle: Any, kind: Any) -> "grpc.RpcMethodHandler[Any, Any]":
        return grpc.unary_stream_rpc_method_handler(
            handle, request_deserializer=_decoder(kind), response_serializer=_identity
        )

    handlers = {
        "Heads": grpc.unary_unary_rpc_method_handler(
            servicer.heads, request_deserializer=_identity, response_serializer=_encode
        ),
        "ReadStream": stream(servicer.read_stream, tuple[StreamId, Version, Version | None]),
        "ReadAll": stream(servicer.read_all, tuple[Places, int]),
        "Follow": stream(servicer.follow, Places),
    }
    return FollowedHandler(SERVICE, handlers, servicer.following)


class _Servicer:
    def __init__(self, log: SealedLog, gate: Gate | None) -> None:
        self._log = log
        self._gate = gate
        self.following = Following()

    async def heads(self, _request: bytes, context: "grpc.aio.ServicerContext[Any, Any]") -> Places:
        heads: Positions = {}
        async with telling(context, self._gate):
            heads = await self._log.heads()
        return list(heads.items())

    async def read_stream(
        self, request: tuple[StreamId, Version, Version | None], context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> AsyncIterator[bytes]:
        async with telling(context, self._gate):
            for piece in _pieces(await self._log.stream_rows(*request)):
                yield piece

    async def read_all(
        self, request: tuple[Places, int], context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> AsyncIterator[bytes]:
        places, limit = request
        async with telling(context, self._gate):
            for piece in _pieces(await self._log.next_rows(dict(places), min(limit, READ_EVENTS_MAX))):
                yield piece

    async def follow(self, request: Places, context: "grpc.aio.ServicerContext[Any, Any]") -> AsyncIterator[bytes]:
        batches = self._log.follow_rows(dict(request))
        async with telling(context, self._gate), self.following.join(), aclosing(batches):
            async for rows in batches:
                for piece in _pieces(rows):
                    yield piece


def _pieces(rows: Sequence[StoredRow]) -> Sequence[bytes]:
    pieces: list[bytes] = []
    begun, size = 0, 0
    for number, row in enumerate(rows):
        size += len(row.payload) + len(row.metadata)
        if size > PIECE_BYTES_MAX and number > begun:
            pieces.append(encode_rows(rows[begun:number]))
            begun, size = number, len(row.payload) + len(row.metadata)
    if begun < len(rows):
        pieces.append(encode_rows(rows[begun:]))
    return pieces


class RemoteLog:
    """A SealedLog that another service keeps. The channel belongs to whoever made it."""

    def __init__(self, channel: grpc.aio.Channel, sign: Sign | None = None) -> None:
        def method(kind: Any, name: str, deserialize: Any) -> Any:
            return kind(f"/{SERVICE}/{name}", request_serializer=_encode, response_deserializer=deserialize)

        self._heads = method(channel.unary_unary, "Heads", _decoder(Places))
        self._read_stream = method(channel.unary_stream, "ReadStream", decode_rows)
        self._read_all = method(channel.unary_stream, "ReadAll", decode_rows)
        self._follow = method(channel.unary_stream, "Follow", decode_rows)
        self._sign = sign
        self._closed = False
        self._following = set[Any]()

    async def heads(self) -> Positions:
        with translating():
            return dict(await self._heads(None, timeout=HEADS_SECONDS_MAX, metadata=passport_header(self._sign)))

    async def stream_rows(self, stream: StreamId, after: Version, until: Version | None) -> Sequence[StoredRow]:
        return await self._gather(self._read_stream, (stream, after, until))

    async def next_rows(self, after: Positions, limit: int) -> Sequence[StoredRow]:
        return await self._gather(self._read_all, (list(after.items()), limit))

    async def _gather(self, read: Any, request: object) -> Sequence[StoredRow]:
        rows: list[StoredRow] = []
        with translating():
            async for piece in read(request, timeout=READ_SECONDS_MAX, metadata=passport_header(self._sign)):
                rows += piece
        return rows

    async def follow_rows(self, after: Positions) -> AsyncGenerator[Sequence[StoredRow], None]:
        if self._closed:
            return
        call = self._follow(list(after.items()), metadata=passport_header(self._sign))
        self._following.add(call)
        try:
            with translating():
                async for rows in call:
                    yield rows
        except (Unavailable, asyncio.CancelledError):
            if not self._closed or _is_being_cancelled():
                raise
        finally:
            self._following.discard(call)
            call.cancel()
        if not self._closed:
            raise ended()

    async def close(self) -> None:
        self._closed = True
        for call in tuple(self._following):
            call.cancel()


def _is_being_cancelled() -> bool:
    """Rather this task than the call that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
