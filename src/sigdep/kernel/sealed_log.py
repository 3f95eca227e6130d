"""A log as it is stored: whoever passes it on, or keeps it, needs no key and learns no content."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Final, Protocol

import msgspec

from sigdep.kernel.chain import StoredRow
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import (
    NO_STREAM,
    CommandId,
    Partition,
    Position,
    Positions,
    StreamId,
    SubjectId,
    Version,
    WorkspaceId,
    uuid_of,
)
from sigdep.kernel.store import READ_EVENTS_MAX, RecordedEvent, StreamSlice

_Values = tuple[
    Partition, Position, int, bytes, StreamId, Version, bytes, str, int, bytes, bytes, bytes, int | None
]  # fmt: skip

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[_Values]).decode


class SealedLog(Protocol):
    """An `EventLog` (kernel/store.py) before it is unsealed: the same order, the same promises."""

    async def heads(self) -> Positions:
        """The last position of each partition that has one."""
        ...

    async def stream_rows(self, stream: StreamId, after: Version, until: Version | None) -> Sequence[StoredRow]:
        """The stream's rows with after < version <= until, all of them."""
        ...

    async def next_rows(self, after: Positions, limit: int) -> Sequence[StoredRow]:
        """The next rows: at most `limit`, each partition in order.

        Raises:
            LogDamaged: a position is missing.
        """
        ...

    def follow_rows(self, after: Positions) -> AsyncGenerator[Sequence[StoredRow], None]:
        """Batches as `next_rows` gives them, for ever, never an empty one. Ends when the log is closed.

        Raises:
            Unavailable: the log is away.
        """
        ...

    async def close(self) -> None:
        """End every `follow_rows`. Safe to repeat."""
        ...


class UnsealedLog:
    """The EventLog that a sealed one is for those who have the keys."""

    def __init__(self, sealed: SealedLog, codec: Codec) -> None:
        self._sealed = sealed
        self._codec = codec

    async def read(self, stream: StreamId, *, after: Version = NO_STREAM, until: Version | None = None) -> StreamSlice:
        events = await self._codec.unseal(await self._sealed.stream_rows(stream, after, until))
        return StreamSlice(events=events, version=events[-1].version if events else after)

    async def read_all(self, after: Positions, *, limit: int = READ_EVENTS_MAX) -> Sequence[RecordedEvent]:
        return await self._codec.unseal(await self._sealed.next_rows(after, limit))

    async def follow(self, after: Positions) -> AsyncIterator[Sequence[RecordedEvent]]:
        async with aclosing(self._sealed.follow_rows(after)) as batches:
            async for rows in batches:
                yield await self._codec.unseal(rows)

    async def heads(self) -> Positions:
        return await self._sealed.heads()

    async def close(self) -> None:
        await self._sealed.close()


def encode_rows(rows: Sequence[StoredRow]) -> bytes:
    """MessagePack: a list of rows, each a list of its values in the order of StoredRow's fields, UUIDs as 16 bytes."""
    return _encode(
        [
            (
                row.partition, row.position, row.recorded_us, row.workspace.bytes, row.stream, row.version,
                row.command_id.bytes, row.type, row.schema_version, row.payload, row.metadata, row.subject.bytes,
                row.number,
            )
            for row in rows
        ]
    )  # fmt: skip


def decode_rows(encoded: bytes) -> list[StoredRow]:
    """
    Raises:
        msgspec.MsgspecError: these are no rows.
    """
    return [
        StoredRow(
            partition, position, recorded_us, WorkspaceId(uuid_of(workspace)), stream, version,
            CommandId(uuid_of(command_id)), kind, schema_version, payload, metadata, SubjectId(uuid_of(subject)),
            number,
        )
        for partition, position, recorded_us, workspace, stream, version, command_id, kind, schema_version, payload,
        metadata, subject, number in _decode(encoded)
    ]  # fmt: skip
