"""Between event objects and the bytes that are stored: names, schema versions, upcasters, seals."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from sigdep.kernel.chain import StoredRow, digest
from sigdep.kernel.errors import LogDamaged
from sigdep.kernel.ids import StreamId, SubjectId, Version
from sigdep.kernel.keys import KeyRing, SealingKey
from sigdep.kernel.messages import Event
from sigdep.kernel.store import (
    APPEND_EVENTS_MAX,
    EVENT_BYTES_MAX,
    Append,
    EventTooLarge,
    Metadata,
    RecordedEvent,
    Snapshot,
)

NEIGHBOURS: Final = 256
"""Events of one append have the same metadata, and those of one commit the same instant: so many are remembered, for
several who read at once."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_encode = msgspec.json.Encoder().encode
_decode_plain = msgspec.json.Decoder().decode
_decode_metadata = lru_cache(NEIGHBOURS)(msgspec.json.Decoder(Metadata).decode)


class StoredEvent(Struct, frozen=True, gc=False):
    """An event as it goes into the log, before it has a place there."""

    stream: StreamId
    subject: SubjectId
    type: str
    schema_version: int
    payload: bytes
    """Sealed JSON."""
    metadata: bytes
    """JSON, in the clear."""
    digest: bytes
    """32 bytes over all of the above, the workspace and the command id."""
    numbered: bool


@lru_cache(NEIGHBOURS)
def instant(recorded_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=recorded_us)


class Codec:
    """Translates for one context: knows its event types and its key ring."""

    def __init__(self, events: Iterable[type[Event]], keys: KeyRing) -> None:
        """
        Raises:
            ValueError: two event types have the same name, an upcaster is missing, or the field for a number.
        """
        self.keys = keys
        self._types: dict[str, type[Event]] = {}
        self._decoders: dict[str, Any] = {}
        for event in events:
            self._register(event)

    @property
    def types(self) -> Sequence[type[Event]]:
        return tuple(self._types.values())

    def _register(self, event: type[Event]) -> None:
        name = event.__name__
        if name in self._types:
            raise ValueError(f"Two events are called {name}; the log could not tell them apart.")
        missing = [v for v in range(1, event.schema_version) if v not in event.upcasters]
        if missing:
            raise ValueError(f"{name} has no upcaster from schema version {missing[0]}.")
        if event.numbered and "number" not in event.__struct_fields__:
            raise ValueError(f"{name} asks for a number and has no field for it.")
        self._types[name] = event
        self._decoders[name] = msgspec.json.Decoder(event).decode

    async def seal(self, append: Append) -> list[StoredEvent]:
        """Every event of the append, in order, ready to be stored.

        Raises:
            ValueError: a stream is written twice or without an event, or an event's type is unknown: a bug.
            EventTooLarge: over the store's limits.
            KeyDestroyed: a subject has been erased.
        """
        _check_writes(append)
        workspace, command_id = append.workspace.bytes, append.command_id.bytes
        metadata = _encode(append.metadata)
        sealed: list[StoredEvent] = []
        for write in append.writes:
            stream, subject = write.stream.encode(), write.subject.bytes
            key = await self.keys.obtain(write.subject)
            for event in write.events:
                name = self._name(event)
                schema_version, type_name = event.schema_version, name.encode()
                payload = key.seal(_encode(event), _context(stream, type_name, schema_version))
                if len(payload) > EVENT_BYTES_MAX:
                    raise EventTooLarge(
                        f"One event takes at most {EVENT_BYTES_MAX:,} bytes; this one has {len(payload):,}."
                    )
                event_digest = digest(
                    workspace, command_id, stream, subject, type_name, schema_version, payload, metadata
                )
                sealed.append(
                    StoredEvent(
                        write.stream, write.subject, name, schema_version, payload, metadata, event_digest,
                        event.numbered,
                    )
                )  # fmt: skip
        return sealed

    def _name(self, event: Event) -> str:
        kind = type(event)
        name = kind.__name__
        if self._types.get(name) is not kind:
            raise ValueError(f"{name} is no event of this context's log: stored, it would halt every reader.")
        return name

    async def seal_snapshot(self, snapshot: Snapshot) -> bytes:
        """The state as it is stored.

        Raises:
            KeyDestroyed: the subject has been erased.
        """
        key = await self.keys.obtain(snapshot.subject)
        return key.seal(snapshot.state, _snapshot_context(snapshot.stream, snapshot.version, snapshot.schema))

    async def unseal_snapshot(
        self, stream: StreamId, subject: SubjectId, version: Version, schema: str, sealed: bytes
    ) -> Snapshot | None:
        """The snapshot that was sealed. None: its subject has been erased.

        Raises:
            LogDamaged: the bytes are not what was sealed.
        """
        key = (await self.keys.find({subject})).get(subject)
        if key is None:
            return None
        state = key.unseal(sealed, _snapshot_context(stream, version, schema))
        return Snapshot(stream=stream, subject=subject, version=version, schema=schema, state=state)

    async def unseal(self, rows: Sequence[StoredRow]) -> list[RecordedEvent]:
        """The events that the rows hold, in the same order.

        Raises:
            LogDamaged: a type or schema version is unknown, or the bytes are not what was sealed.
        """
        keys = await self.keys.find({row.subject for row in rows})
        return [self._unseal(row, keys.get(row.subject)) for row in rows]

    def _unseal(self, row: StoredRow, key: SealingKey | None) -> RecordedEvent:
        if row.type not in self._types:
            raise LogDamaged(
                f"Position {row.partition}/{row.position} holds {row.type!r}, which this release does not know."
            )
        event = None if key is None else self._decode(row, key)
        return RecordedEvent(
            partition=row.partition,
            position=row.position,
            workspace=row.workspace,
            stream=row.stream,
            version=row.version,
            subject=row.subject,
            command_id=row.command_id,
            type=row.type,
            recorded_at=instant(row.recorded_us),
            metadata=_decode_metadata(row.metadata),
            event=event,
        )

    def _decode(self, row: StoredRow, key: SealingKey) -> Event:
        kind = self._types[row.type]
        payload = key.unseal(row.payload, _context(row.stream.encode(), row.type.encode(), row.schema_version))
        try:
            if row.schema_version == kind.schema_version:
                event: Event = self._decoders[row.type](payload)
            else:
                event = msgspec.convert(upcast(kind, row.schema_version, _decode_plain(payload)), kind)
        except (msgspec.MsgspecError, KeyError) as error:
            raise LogDamaged(f"Position {row.partition}/{row.position}: {row.type} cannot be read: {error}.") from error
        return with_number(event, row.number) if row.number is not None else event


def upcast(kind: type[Event], schema_version: int, content: dict[str, Any]) -> dict[str, Any]:
    """The content of an old event in the present shape. A schema version from the future raises KeyError."""
    if schema_version > kind.schema_version:
        raise KeyError(f"schema version {schema_version} is newer than this release")
    for version in range(schema_version, kind.schema_version):
        content = kind.upcasters[version](content)
    return content


def with_number(event: Event, number: int) -> Event:
    """The event with the number that the store gave it."""
    return msgspec.structs.replace(event, number=number)


def _check_writes(append: Append) -> None:
    events, streams = 0, set()
    for write in append.writes:
        events += len(write.events)
        streams.add(write.stream)
        if not write.events:
            raise ValueError("An append names a stream only with events for it.")
    if len(streams) < len(append.writes):
        raise ValueError("An append writes each stream once.")
    if events > APPEND_EVENTS_MAX:
        raise EventTooLarge(f"One append takes at most {APPEND_EVENTS_MAX} events.")


def _snapshot_context(stream: str, version: int, schema: str) -> bytes:
    return f"snapshot|{stream}|{version}|{schema}".encode()


def _context(stream: bytes, type_name: bytes, schema_version: int) -> bytes:
    """Bound to a sealed payload, so that it cannot be passed off as another stream's or type's."""
    return b"%b|%b|%d" % (stream, type_name, schema_version)
