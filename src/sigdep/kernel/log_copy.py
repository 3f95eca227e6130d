"""The ports by which a log and its key ring are copied as they are stored, from one technology to another."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from sigdep.kernel.chain import FIRST_LINK, StoredRow, link, place
from sigdep.kernel.errors import LogDamaged, Refused
from sigdep.kernel.ids import Partition, Position, SubjectId, WorkspaceId

PORTION_EVENTS_MAX: Final = 4_000
PORTION_BYTES_MAX: Final = 8_388_608
"""Of payloads. A portion has reached neither before its last batch."""

PAGE_ROWS: Final = 1_000
"""Rows at a time of what is no event."""


class TargetTaken(Refused):
    """The place to copy to holds something else, which is never overwritten."""


class LinkedBatch(Struct, frozen=True, gc=False):
    """Events that were committed together in one partition, with their link of its hash chain."""

    rows: Sequence[StoredRow]
    """At least one, in order."""
    link: bytes

    @property
    def last(self) -> StoredRow:
        return self.rows[-1]


Portion = Sequence[LinkedBatch]
"""Successive batches of one partition, as many as are read and stored at a time."""


class ChainEnd(Struct, frozen=True, gc=False):
    """Where a partition ends."""

    position: Position
    recorded_us: int
    link: bytes

    def after(self, batch: LinkedBatch) -> "ChainEnd":
        """Where it ends with one batch more.

        Raises:
            LogDamaged: the batch does not begin here, or is not what was linked when it was written.
        """
        rows, last = batch.rows, batch.last
        complete = [row.position for row in rows] == list(range(self.position + 1, last.position + 1))
        at_once = {row.recorded_us for row in rows} == {last.recorded_us}
        places = (place(row.digest, row.position, row.version, row.number) for row in rows)
        if not (complete and at_once and batch.link == link(self.link, last.recorded_us, places)):
            raise LogDamaged(
                f"Partition {last.partition}, positions {self.position + 1} to {last.position}: this is not what was "
                "written. `sigdep verify` names every such place."
            )
        return ChainEnd(last.position, last.recorded_us, batch.link)


BEFORE_FIRST: Final = ChainEnd(Position(0), 0, FIRST_LINK)
"""Where a partition without events ends."""


class WorkspaceNumber(Struct, frozen=True, gc=False):
    """The last number that a workspace has been given."""

    workspace: WorkspaceId
    number: int


class StoredAnswer(Struct, frozen=True, gc=False):
    """What was answered when a caller's idempotency key was first seen."""

    caller: UUID
    key: str
    fingerprint: bytes
    answer: bytes
    partition: Partition
    position: Position
    kept_us: int
    """When. Microseconds since 1970, UTC."""


class WrappedKey(Struct, frozen=True, gc=False):
    """A subject's key as it is stored: wrapped by the key-encryption key, which is kept elsewhere."""

    subject: SubjectId
    wrapped: bytes | None
    """None: destroyed, for ever."""
    changed_us: int
    """Microseconds since 1970, UTC."""


class LogSource(Protocol):
    """A log that nobody writes meanwhile, read as it is stored. One call at a time.

    Every call raises Unavailable when the database is away, and LogDamaged when it cannot be read.
    """

    async def ends(self) -> Mapping[Partition, ChainEnd]:
        """Where each partition that has events ends."""
        ...

    async def link_at(self, partition: Partition, position: Position) -> bytes | None:
        """The link of the batch that ends at this position. None: none does."""
        ...

    def portions(self, partition: Partition, after: Position) -> AsyncIterator[Portion]:
        """What follows `after`, which ends a batch, in order.

        Raises:
            LogDamaged: the last events belong to no batch.
        """
        ...

    def numbers(self) -> AsyncIterator[Sequence[WorkspaceNumber]]:
        """Pages of them, in any order."""
        ...

    def answers(self) -> AsyncIterator[Sequence[StoredAnswer]]:
        """Pages of all that are kept, the oldest first."""
        ...

    async def close(self) -> None:
        """Let go of everything. Safe to repeat."""
        ...


class LogTarget(LogSource, Protocol):
    """A log to be filled, which can be read back. What a call has stored is on the disk when it returns.

    From `begin` to `finish` it is marked as a draft, in the database itself: no event store opens it, and a copy that
    has been interrupted can be begun again and goes on where it was.
    """

    async def begin(self) -> bool:
        """Mark it as a draft if it is empty. False: it holds a whole log already, and takes nothing."""
        ...

    async def take(self, portion: Portion) -> None:
        """Store the portion whole or not at all, at the end of its partition.

        Raises:
            TargetTaken: the partition does not end where the portion begins: somebody else writes.
        """
        ...

    async def take_numbers(self, numbers: Sequence[WorkspaceNumber]) -> None:
        """Store these, in place of what was said of the same workspaces."""
        ...

    async def forget_answers(self) -> None:
        """Forget those of an interrupted copy: some may have expired since."""
        ...

    async def take_answers(self, answers: Sequence[StoredAnswer]) -> None:
        """Store these, which are younger than those before. No key comes twice."""
        ...

    async def finish(self) -> None:
        """It is whole: let stores open it. Safe to repeat."""
        ...


class KeySource(Protocol):
    """A key ring that nobody changes meanwhile, read as it is stored. Raises as LogSource does."""

    async def proof(self) -> bytes | None:
        """Something known, sealed by the key-encryption key."""
        ...

    def keys(self) -> AsyncIterator[Sequence[WrappedKey]]:
        """Pages of all keys and of the marks of destroyed ones, in any order."""
        ...

    async def close(self) -> None:
        """Let go of everything. Safe to repeat."""
        ...


class KeyTarget(KeySource, Protocol):
    """A key ring to be filled. Marked as a draft as a LogTarget is, so that no ring makes new keys in it."""

    async def begin(self) -> bool:
        """Mark it as a draft if it is empty. False: it holds a whole ring already, and takes nothing."""
        ...

    async def take_proof(self, proof: bytes) -> None:
        """
        Raises:
            TargetTaken: it has another, of another key-encryption key or another installation.
        """
        ...

    async def take(self, keys: Sequence[WrappedKey]) -> None:
        """Store these. What has been destroyed in either place is destroyed here; its bytes are gone with `finish`.

        Raises:
            TargetTaken: see `settle`. Nothing was stored.
        """
        ...

    async def finish(self) -> None:
        """It is whole: let rings open it. Safe to repeat."""
        ...


def settle(coming: Sequence[WrappedKey], present: Mapping[SubjectId, bytes | None]) -> list[WrappedKey]:
    """Those that change what is there.

    Raises:
        TargetTaken: a subject has another key there, or its key has been destroyed there and must not come back.
    """
    changes: list[WrappedKey] = []
    for key in coming:
        if key.subject not in present:
            changes.append(key)
        elif (there := present[key.subject]) != key.wrapped:
            if there is None:
                raise TargetTaken(
                    f"The key of {key.subject} has been destroyed at the target, and what has been destroyed never "
                    "comes back. Copy to a new place."
                )
            if key.wrapped is not None:
                raise TargetTaken(f"The target has another key for {key.subject}. Copy to a new place.")
            changes.append(key)
    return changes


class Gathering:
    """Puts rows, as they are read, into batches and these into portions."""

    def __init__(self) -> None:
        self._rows: list[StoredRow] = []
        self._batches: list[LinkedBatch] = []
        self._events = self._bytes = 0

    def add(self, row: StoredRow, row_link: bytes | None) -> Portion | None:
        """Add the next row, with the link of the batch that it ends. Returns a portion when one has become full."""
        self._rows.append(row)
        self._events += 1
        self._bytes += len(row.payload)
        if row_link is not None:
            self._batches.append(LinkedBatch(self._rows, row_link))
            self._rows = []
            if self._events >= PORTION_EVENTS_MAX or self._bytes >= PORTION_BYTES_MAX:
                return self._release()
        return None

    def finish(self) -> Portion:
        """What is left; may be empty.

        Raises:
            LogDamaged: the last rows belong to no batch.
        """
        if self._rows:
            first = self._rows[0]
            raise LogDamaged(
                f"Partition {first.partition}: the events from position {first.position} on belong to no batch."
            )
        return self._release()

    def _release(self) -> Portion:
        batches, self._batches, self._events, self._bytes = self._batches, [], 0, 0
        return batches
