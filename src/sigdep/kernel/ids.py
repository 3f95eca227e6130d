"""The names of places: which stream, how far into it, how far into the log."""

from collections.abc import Mapping
from typing import Final, NewType
from uuid import UUID

from msgspec import convert, to_builtins

WorkspaceId = NewType("WorkspaceId", UUID)
"""The tenant that a stream belongs to. It decides the partition."""

SubjectId = NewType("SubjectId", UUID)
"""Whose key seals an event: a workspace's or a person's id."""

CommandId = NewType("CommandId", UUID)
"""One request to change something. A retry carries the same id."""

StreamId = NewType("StreamId", str)
"""One aggregate's events: `<category>-<uuid>`, as in `task-018f6b1e-…`."""

Version = NewType("Version", int)
"""Place in one stream, from 1. 0: the stream has no event."""

Partition = NewType("Partition", int)
"""The unit of order, 0 to PARTITIONS - 1."""

Position = NewType("Position", int)
"""Place in one partition of the log, from 1, without holes. 0: before the first event."""

Positions = Mapping[Partition, Position]
"""How far a reader has come in each partition. A partition not named is at 0."""

PARTITIONS: Final = 64
"""Fixed for ever: a workspace's partition is part of every position that a client holds."""

NO_STREAM: Final = Version(0)


def partition_of(workspace: WorkspaceId) -> Partition:
    """The partition that holds all streams of a workspace, the same in every process and release.

    Taken from the last octet, which is random in a UUIDv7 (RFC 9562 §5.7); the first ones are a clock.
    """
    return Partition(workspace.int & (PARTITIONS - 1))


def stream_id(category: str, identity: UUID) -> StreamId:
    return StreamId(f"{category}-{text_of(identity)}")


def uuid_of(octets: bytes) -> UUID:
    """`UUID(bytes=octets)` in a third of its time, which is spent on every id of every event that is read.

    Raises:
        msgspec.ValidationError: they are not sixteen.
    """
    return convert(octets, UUID)


def text_of(identity: UUID) -> str:
    """`str(identity)` in a quarter of its time."""
    text: str = to_builtins(identity)
    return text


def category_of(stream: StreamId) -> str:
    return stream.partition("-")[0]
