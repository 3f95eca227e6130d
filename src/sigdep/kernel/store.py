"""The port of the event store: append atomically, read streams, follow the log."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from sigdep.kernel.errors import SigdepError
from sigdep.kernel.flushes import Flushes
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
)
from sigdep.kernel.messages import Event

APPEND_EVENTS_MAX: Final = 1_000
"""Events in one append, all streams together."""

EVENT_BYTES_MAX: Final = 1_048_576
"""Bytes of one event as stored."""

READ_EVENTS_MAX: Final = 1_000
"""Events in one batch of a tailing reader."""

ANSWERS_KEPT_HOURS: Final = 48
ANSWERS_KEPT_US: Final = ANSWERS_KEPT_HOURS * 3_600_000_000
"""How long a repeat of an idempotency key is recognised, at the least."""


class EventTooLarge(SigdepError):
    """An event or an append is over the store's limits. Nothing was written."""


class Metadata(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Who made an event, and by what. Stored in the clear beside each event: ids only, never a name or a text."""

    actor: UUID | None = None
    """The user who asked. None: the system itself."""
    client: str | None = None
    """Through what: `session`, `token`, `reaction`."""
    credential: UUID | None = None
    """The session's or token's id."""
    request: str | None = None
    """`X-Request-Id` of the request."""
    trace: str | None = None
    """W3C traceparent of the append, where it was recorded: whoever follows the log goes on from there."""
    cause: CommandId | None = None
    """The command that undid or caused this one."""


class StreamWrite(Struct, frozen=True, kw_only=True, gc=False):
    """Events for one stream. None is stored unless the stream is at `expected_version`."""

    stream: StreamId
    subject: SubjectId
    """Whose key seals the events: one for the stream's whole life, or a snapshot could outlive an erasure."""
    expected_version: Version
    events: tuple[Event, ...]


class AnswerKey(Struct, frozen=True, kw_only=True, gc=False):
    """An `Idempotency-Key` with what makes it one request of one caller, and the answer to keep for repeats."""

    caller: UUID
    key: str
    """At most 128 characters."""
    fingerprint: bytes
    """A digest of method, path and body: the same key with another request is refused."""
    answer: bytes = b""
    """What is needed to answer again. Opaque to the store. No secret, no personal text: it is not sealed."""


class Append(Struct, frozen=True, kw_only=True, gc=False):
    """One command's outcome, stored whole or not at all. All streams belong to one workspace."""

    workspace: WorkspaceId
    command_id: CommandId
    writes: tuple[StreamWrite, ...] = ()
    """Each stream once. May be empty when there is only an answer to keep."""
    unchanged: Mapping[StreamId, Version] = {}
    """Streams that were read to decide, and must still be at these versions."""
    metadata: Metadata = Metadata()
    answer: AnswerKey | None = None


class Appended(Struct, frozen=True, kw_only=True, gc=False):
    """Where an append stands in the log."""

    partition: Partition
    position: Position
    """Of its last event; the head of the partition when it had none."""
    recorded_at: datetime
    """UTC, by the store's clock."""
    numbers: tuple[int, ...] = ()
    """For the events that asked for one, in their order."""
    repeated: bool = False
    """True: this very command had been stored before, and nothing was written now."""


class KeptAnswer(Struct, frozen=True, kw_only=True, gc=False):
    """What was answered when an idempotency key was first seen."""

    fingerprint: bytes
    answer: bytes
    partition: Partition
    position: Position


class AlreadyAnswered(SigdepError):
    """The append's idempotency key has been used, by an append that came first. Nothing was written."""

    def __init__(self, kept: KeptAnswer) -> None:
        super().__init__("This Idempotency-Key has been used.")
        self.kept = kept


class RecordedEvent(Struct, frozen=True, kw_only=True, gc=False):
    """An event in its place."""

    partition: Partition
    position: Position
    workspace: WorkspaceId
    stream: StreamId
    version: Version
    subject: SubjectId
    command_id: CommandId
    type: str
    recorded_at: datetime
    metadata: Metadata
    event: Event | None
    """None: its subject's key has been destroyed, and what it said is gone for ever."""


class StreamSlice(Struct, frozen=True, kw_only=True, gc=False):
    """Part of a stream, oldest first."""

    events: Sequence[RecordedEvent]
    version: Version
    """Of the last event here; where the read began when there is none."""


class Snapshot(Struct, frozen=True, kw_only=True, gc=False):
    """A folded state, to begin from instead of the first event. It may be thrown away at any time."""

    stream: StreamId
    subject: SubjectId
    version: Version
    schema: str
    """Names the shape of `state`: one that the reader does not know is ignored."""
    state: bytes
    """In the clear here; sealed with the subject's key where it is stored."""


class ChainFault(Struct, frozen=True):
    """A place where the log is not what was written."""

    partition: Partition
    first_position: Position
    last_position: Position
    detail: str


class ChainReport(Struct, frozen=True, kw_only=True):
    """What walking the hash chain of one partition found."""

    partition: Partition
    events: int
    head: bytes
    """The chain's last link: anchor it elsewhere, and nobody can rewrite the past unseen."""
    faults: Sequence[ChainFault]


class EventLog(Protocol):
    """What has happened, to be read: an event store, or its copy on the way to whoever follows it.

    Order: within a partition, positions are contiguous and follow the order of commits: a reader
    that has seen position n will never later find a new event at or below n. Across partitions
    there is no order. `recorded_at` never goes back within a partition, even if the clock does.
    """

    async def read(self, stream: StreamId, *, after: Version = NO_STREAM, until: Version | None = None) -> StreamSlice:
        """The stream's events with after < version <= until, all of them. An unknown stream is empty."""
        ...

    async def read_all(self, after: Positions, *, limit: int = READ_EVENTS_MAX) -> Sequence[RecordedEvent]:
        """The next events: at most `limit`, each partition in order. None waits because another is busy.

        Raises:
            LogDamaged: a position is missing, or an event has no known type.
        """
        ...

    def follow(self, after: Positions) -> AsyncIterator[Sequence[RecordedEvent]]:
        """Batches as `read_all` gives them, for ever: waits where there is nothing new. Never yields an empty batch."""
        ...

    async def heads(self) -> Positions:
        """The last position of each partition that has one."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, end every `follow`, let go of all resources. Safe to repeat.

        Every other call on a closed store raises Unavailable.
        """
        ...


class EventStore(EventLog, Protocol):
    """An append-only log of one context, in partitions, each gap-free and in commit order.

    Durability: what `append` returned is on the disk and survives kill -9 and power loss.

    Many processes may write and read one store (where the technology allows several).
    """

    @property
    def flushes(self) -> Flushes:
        """What this process has committed. An append that has been answered has been counted."""
        ...

    @property
    def waiting(self) -> int:
        """Appends of this process that have been accepted and are not being committed yet."""
        ...

    async def append(self, append: Append) -> Appended:
        """Store all of it in one transaction, shared with the appends that wait at the same time.

        What fails fails its own append only, never a neighbour's in the same transaction. Safe to repeat with the
        same `command_id`, also after an unknown outcome.

        Decided in this order, as if appends came one after another:
        1. Every event of the append stands at its place already (stream, version, `command_id`): nothing is
           written, and the first answer comes back with `repeated=True`, whatever the guards and the key say.
        2. The idempotency key has been used: AlreadyAnswered.
        3. A written or `unchanged` stream is at another version: WrongExpectedVersion.
        4. All is stored: events, numbers and answer together.

        Raises:
            ValueError: a stream is written twice or without an event, or an event's type is unknown: a bug.
            WrongExpectedVersion: a written or `unchanged` stream is at another version.
            AlreadyAnswered: `answer.key` has been used by `answer.caller`.
            EventTooLarge: over APPEND_EVENTS_MAX or EVENT_BYTES_MAX.
            KeyDestroyed: a subject's key has been destroyed.
            Unavailable: the queue is full, or the database is away. The outcome may be unknown: repeat it.
        """
        ...

    async def answered(self, caller: UUID, key: str) -> KeptAnswer | None:
        """The answer kept for a caller's idempotency key, if it has been used in the last ANSWERS_KEPT_HOURS."""
        ...

    async def load_snapshot(self, stream: StreamId, schema: str) -> Snapshot | None:
        """The stream's snapshot. None: there is none, it has another schema, or its subject has been erased."""
        ...

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep the snapshot in place of an older one of its stream; a newer one stays. Never needed for correctness.

        Raises:
            KeyDestroyed: the subject has been erased.
            Unavailable: as for `append`.
        """
        ...

    async def verify(self, partition: Partition) -> ChainReport:
        """Recompute the partition's hash chain from the stored bytes. No key is needed."""
        ...
