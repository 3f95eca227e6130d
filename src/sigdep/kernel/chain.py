"""The hash chain of a partition: one link for each batch of events committed together, over the stored bytes."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from struct import Struct as Layout
from typing import Final

from msgspec import Struct

from sigdep.kernel.ids import CommandId, Partition, Position, StreamId, SubjectId, Version, WorkspaceId
from sigdep.kernel.store import ChainFault, ChainReport

FIRST_LINK: Final = bytes(32)
"""What the first link of every partition's chain is chained to."""

CHAIN_FAULTS_MAX: Final = 100
"""Faults in one report. Whoever rewrote everything is not owed a list of it."""

_LENGTHS: Final = Layout(">16s16s16sIIII")
_PLACE: Final = Layout(">qiq")
_RECORDED: Final = Layout(">q")


class StoredRow(Struct, frozen=True, gc=False):
    """An event as it comes out of the log."""

    partition: Partition
    position: Position
    recorded_us: int
    """Microseconds since 1970, UTC."""
    workspace: WorkspaceId
    stream: StreamId
    version: Version
    command_id: CommandId
    type: str
    schema_version: int
    payload: bytes
    metadata: bytes
    subject: SubjectId
    number: int | None

    @property
    def digest(self) -> bytes:
        return digest(
            self.workspace.bytes,
            self.command_id.bytes,
            self.stream.encode(),
            self.subject.bytes,
            self.type.encode(),
            self.schema_version,
            self.payload,
            self.metadata,
        )


def digest(
    workspace: bytes,
    command_id: bytes,
    stream: bytes,
    subject: bytes,
    type_name: bytes,
    schema_version: int,
    payload: bytes,
    metadata: bytes,
) -> bytes:
    """SHA-256 over one event's stored bytes, each part led by its length so that none can slide into the next."""
    head = _LENGTHS.pack(workspace, command_id, subject, len(stream), len(type_name), schema_version, len(payload))
    return sha256(b"".join((head, stream, type_name, payload, metadata))).digest()


def place(event_digest: bytes, position: int, version: int, number: int | None) -> bytes:
    """What one event adds to its batch's link: the digest and its place. 32 + 8 + 4 + 8 bytes, big-endian."""
    return event_digest + _PLACE.pack(position, version, number or 0)


def link(previous: bytes, recorded_us: int, places: Iterable[bytes]) -> bytes:
    """The next link of a partition's chain, over the places of one batch's events in their order."""
    return sha256(b"".join((previous, _RECORDED.pack(recorded_us), *places))).digest()


class ChainWalk:
    """Recomputes the chain of one partition, batch by batch from the first. Goes on after a fault, to pin each one."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._last = Position(0)
        self._link = FIRST_LINK
        self._events = 0
        self._faults: list[ChainFault] = []

    def take(self, last_position: Position, stored_link: bytes, rows: Sequence[StoredRow]) -> None:
        """
        Args:
            last_position: of the batch, as its link says.
            rows: what the log holds above the previous batch and up to that position, in order.
        """
        first = Position(self._last + 1)
        self._events += len(rows)
        if [row.position for row in rows] != list(range(first, last_position + 1)):
            self._fault(first, last_position, "Events of this batch are missing.")
        elif len({row.recorded_us for row in rows}) != 1 or stored_link != link(
            self._link,
            rows[0].recorded_us,
            (place(row.digest, row.position, row.version, row.number) for row in rows),
        ):
            self._fault(first, last_position, "This batch is not what was written.")
        self._last, self._link = last_position, stored_link

    def finish(self, head_position: Position, head_link: bytes, last_row: Position) -> ChainReport:
        """
        Args:
            head_position: where the partition's counter stands.
            head_link: the last link as the counter's row repeats it.
            last_row: the highest position that any event has.
        """
        if last_row > self._last:
            self._fault(Position(self._last + 1), last_row, "These events belong to no batch.")
        if head_position > self._last:
            self._fault(Position(self._last + 1), head_position, "The end of the log is missing.")
        elif (head_position, head_link) != (self._last, self._link):
            self._fault(self._last, self._last, "The chain does not end where the counter says.")
        return ChainReport(partition=self._partition, events=self._events, head=self._link, faults=tuple(self._faults))

    def _fault(self, first: Position, last: Position, detail: str) -> None:
        if len(self._faults) < CHAIN_FAULTS_MAX:
            self._faults.append(ChainFault(self._partition, first, last, detail))
