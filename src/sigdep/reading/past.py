"""Time travel: the rows of a workspace as they were at an instant or a position."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from sigdep.kernel.errors import Invalid
from sigdep.kernel.ids import Partition, Position, WorkspaceId, partition_of
from sigdep.kernel.projection import ReadModel, Rows
from sigdep.kernel.read_store import Key, ModelId, Row, Table
from sigdep.kernel.store import EventLog, RecordedEvent
from sigdep.reading.moments import Moment, until
from sigdep.reading.views import PastView
from sigdep.rpc.call import WorkspacePosition

FOLDED_EVENTS_MAX: Final = 100_000
"""Events of a partition, other workspaces' included, that are read for one list of the past: some seconds' work, and
some 200 MB while it lasts."""

FOLDS_AT_ONCE: Final = 1
"""Others wait for their turn, so that the past never takes the machine from the present."""

VIEWS_KEPT_MAX: Final = 4
VIEW_ROWS_KEPT_MAX: Final = 5_000
"""A view with more rows is made anew for each page. A row takes about 3 kB."""


class Past:
    """Folds the log up to a moment."""

    def __init__(self, log: EventLog, context: str, read_model: Callable[[], ReadModel], things: str) -> None:
        self._log = log
        self._context = context
        self._read_model = read_model
        self._things = things
        self._turns = asyncio.Semaphore(FOLDS_AT_ONCE)
        self._views: OrderedDict[tuple[WorkspaceId, Moment], PastView] = OrderedDict()

    async def view(self, workspace: WorkspaceId, moment: Moment, now: datetime) -> PastView:
        """The whole workspace as it was.

        Raises:
            Invalid: the position is of another log or workspace, or there is too much to fold.
        """
        self.check(moment, workspace)
        if (kept := self._kept(workspace, moment)) is not None:
            return kept
        async with self._turns:
            if (kept := self._kept(workspace, moment)) is not None:
                return kept  # Made while we waited.
            head = (await self._log.heads()).get(partition_of(workspace), Position(0))
            view = await self._fold(workspace, moment, head)
            # What has not come yet may still change.
            is_past = moment < now if isinstance(moment, datetime) else moment.position <= head
            if is_past and view.size <= VIEW_ROWS_KEPT_MAX:
                self._keep(workspace, moment, view)
            return view

    def check(self, moment: Moment, workspace: WorkspaceId) -> None:
        """
        Raises:
            Invalid: a position that says nothing about this workspace.
        """
        if isinstance(moment, datetime):
            return
        if moment.context != self._context or moment.partition != partition_of(workspace):
            raise Invalid.at("at", f"at is a position of another workspace, or not one of its {self._things}.")

    def _kept(self, workspace: WorkspaceId, moment: Moment) -> PastView | None:
        kept = self._views.get((workspace, moment))
        if kept is not None:
            self._views.move_to_end((workspace, moment))
        return kept

    def _keep(self, workspace: WorkspaceId, moment: Moment, view: PastView) -> None:
        self._views[workspace, moment] = view
        if len(self._views) > VIEWS_KEPT_MAX:
            self._views.popitem(last=False)

    async def _fold(self, workspace: WorkspaceId, moment: Moment, head: Position) -> PastView:
        model = self._read_model()
        rows = Rows(_Nothing(), ModelId(model.name, 0))
        reflected = Position(0)
        async for batch in self._batches(partition_of(workspace), head):
            present = until(batch, moment)
            await model.project([recorded for recorded in present if recorded.workspace == workspace], rows)
            if present:
                reflected = present[-1].position
            if len(present) < len(batch):
                break
        found: dict[str, dict[Key, Row]] = {table.name: {} for table in model.tables}
        for table, row in rows.changes().put:
            found[table.name][tuple(row[column] for column in table.key)] = row
        return PastView(WorkspacePosition(self._context, partition_of(workspace), reflected), found)

    async def _batches(self, partition: Partition, head: Position) -> AsyncIterator[Sequence[RecordedEvent]]:
        """The partition's events up to its head.

        Raises:
            Invalid: they are too many.
        """
        at = dict(await self._log.heads())
        at[partition] = Position(0)
        while at[partition] < head:
            if at[partition] >= FOLDED_EVENTS_MAX:
                raise Invalid.at(
                    "at",
                    f"That is too far into the log: a list of the past is made of the first {FOLDED_EVENTS_MAX:,} "
                    "events of its partition, which workspaces share. "
                    f"Ask for single {self._things}, which have no such limit.",
                )
            batch = await self._log.read_all(at)
            at.update({recorded.partition: recorded.position for recorded in batch})
            yield [recorded for recorded in batch if recorded.partition == partition]


class _Nothing:
    """Where the past begins."""

    async def get_many(
        self, model: ModelId, table: Table, keys: Collection[Key], columns: tuple[str, ...] | None = None
    ) -> Mapping[Key, Row]:
        return {}
