"""The port of hot views: lists that are asked for all the time, kept ready beside the read store that has the truth."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from sigdep.kernel.ids import Partition, Position, Positions, WorkspaceId
from sigdep.kernel.read_store import ModelId

VIEW_ROWS_MAX: Final = 1_000
"""A list that is longer is not kept: who has so much is answered by the read store."""

KEPT_SECONDS: Final = 3_600
"""What nobody has asked for in so long is forgotten. It bounds how much is kept, and how long what is out of reach."""


class View(NamedTuple):
    """One person's list in one workspace, of one build of the read model."""

    model: ModelId
    workspace: WorkspaceId
    person: UUID


class Place(NamedTuple):
    """In the order of every view: by time, those without one last, and then by id."""

    time: datetime | None
    """UTC."""
    id: UUID


class HotRow(Struct, frozen=True, kw_only=True):
    """One row of a view, and what is given of it."""

    id: UUID
    time: datetime | None
    facts: bytes
    """What else a question may ask about, in the words of whoever declares the view; at most 999 octets."""
    document: bytes

    @property
    def place(self) -> Place:
        return Place(self.time, self.id)


class Placing(Struct, frozen=True, kw_only=True):
    """A row as a batch leaves it. Whoever had it before is named in one or the other."""

    workspace: WorkspaceId
    row: HotRow
    people: frozenset[UUID]
    """In whose views it is now."""
    others: frozenset[UUID]
    """In whose it is not, or not any more."""


class HotChanges(Struct, frozen=True, kw_only=True):
    """What one batch does to views."""

    placings: Sequence[Placing]
    forgotten: frozenset[WorkspaceId]


class Range(Struct, frozen=True, kw_only=True):
    """A part of a view. Whoever gives a bound wants no rows without a time."""

    after: Place | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    limit: int


class Turn(Struct, frozen=True, kw_only=True):
    """A batch that is being committed to the read store."""

    id: str
    model: ModelId
    after: Positions
    warm: frozenset[Partition]
    """Where there may be views. Of others, nothing need be told."""


class HotViews(Protocol):
    """Views with the position that they reflect, which is that of their workspace's partition.

    **Where it stands.** Each partition has one position at a time, or none. A page is given of a view that is known and
    of a partition that stands precisely at the position that is asked for: otherwise it is None, which says nothing
    about the rows. So a server that has been emptied, or is older or newer than the read store, gives nothing.

    **Batches.** From `begin` on the partitions of a batch stand nowhere, until `finish` moves them on. Between the two
    the read store commits: nobody is given a page that it does not show any more, or not yet. If a partition did not
    stand where the batch begins, a batch has been missed, and every view of it is unknown from then on. `finish`
    does nothing if another batch has begun since, and may come late or never.

    **Filling.** A view is known once it has been filled, by whoever has seen that it was not, with rows that the read
    store had while it stood at that very position. Rows of a position that has been passed are not taken.

    **Forgetting.** A workspace that a batch forgets has no views and no documents any more once `finish` has returned.
    Whatever is not asked for ends after KEPT_SECONDS. Anything may be forgotten at any time, and is unknown then.

    Every method raises Unavailable where the server does not answer in time: what was asked may have been done.
    """

    async def begin(self, model: ModelId, before: Positions, after: Positions) -> Turn: ...

    async def finish(self, turn: Turn, changes: HotChanges) -> None:
        """One step for each partition: its rows together with where it stands."""
        ...

    async def page(self, view: View, position: Position, part: Range) -> Sequence[HotRow] | None:
        """The first rows of a part, in order. None: ask the read store."""
        ...

    async def fill(self, view: View, position: Position, rows: Sequence[HotRow]) -> bool:
        """
        Args:
            rows: all of them, at most VIEW_ROWS_MAX.

        Returns:
            Whether they were taken.
        """
        ...
