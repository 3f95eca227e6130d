"""A read store for a projector whose batches reach hot views as well."""

from collections.abc import Callable
from typing import Final

from sigdep.kernel.errors import Unavailable
from sigdep.kernel.hot_views import HotChanges, HotViews, Turn
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.read_store import Changes, ModelId, ReadStore
from sigdep.services.delegating_views import DelegatingViews

DOUBTFUL_MAX: Final = 1_000
"""Partitions, of all builds, that are remembered."""

Placed = Callable[[Changes], HotChanges]
"""What a batch does to the views that a context declares."""


class WarmedViews(DelegatingViews):
    """The read store, and around each of its commits `begin` and `finish` of the hot views.

    The commit waits for nobody who is away: then the views miss the batch, and are unknown as soon as one reaches them
    again. Both stores belong to whoever opened them.
    """

    def __init__(self, views: ReadStore, hot: HotViews, placed: Placed) -> None:
        super().__init__(views)
        self._hot = hot
        self._placed = placed
        self._doubtful: dict[tuple[ModelId, Partition], None] = {}
        """Where rows changed without the position, as after a repair, and the hot views could not be told so."""

    async def commit(self, model: ModelId, changes: Changes, *, before: Positions, after: Positions) -> None:
        turn = await self._begin(model, before, after)
        await self._stored.commit(model, changes, before=before, after=after)
        if turn is not None:
            await self._finish(turn, self._placed(changes))

    async def _begin(self, model: ModelId, before: Positions, after: Positions) -> Turn | None:
        try:
            await self._clear_doubts()
            return await self._hot.begin(model, before, after)
        except Unavailable:
            for partition in after:
                if before.get(partition, 0) == after[partition] and len(self._doubtful) < DOUBTFUL_MAX:
                    self._doubtful[model, partition] = None
            return None

    async def _clear_doubts(self) -> None:
        """A batch from nowhere is one that the views have missed something before."""
        for model, partition in list(self._doubtful):
            nowhere = {partition: Position(-1)}
            await self._hot.begin(model, nowhere, {partition: Position(0)})
            del self._doubtful[model, partition]

    async def _finish(self, turn: Turn, changes: HotChanges) -> None:
        try:
            await self._hot.finish(turn, changes)
        except Unavailable:
            return  # They stand nowhere until the next batch begins, or somebody fills one.
