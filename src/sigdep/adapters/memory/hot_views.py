"""Hot views in this process, for tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from sigdep.kernel.hot_views import VIEW_ROWS_MAX, HotChanges, HotRow, Place, Placing, Range, Turn, View
from sigdep.kernel.ids import Partition, Position, Positions, WorkspaceId, partition_of
from sigdep.kernel.read_store import ModelId

_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass
class _Part:
    """What there is of one partition of a build."""

    at: Position | None = None
    turn: str | None = None
    to: Position = Position(-1)
    views: dict[tuple[WorkspaceId, UUID], dict[UUID, HotRow]] = field(default_factory=dict)


class MemoryHotViews:
    def __init__(self) -> None:
        self._parts: dict[tuple[ModelId, Partition], _Part] = {}
        self._turns = count(1)

    async def begin(self, model: ModelId, before: Positions, after: Positions) -> Turn:
        turn = str(next(self._turns))
        for partition, position in after.items():
            part = self._parts.setdefault((model, partition), _Part())
            if part.at != before.get(partition, 0):
                part.views.clear()
            part.at, part.turn, part.to = None, turn, position
        warm = frozenset(partition for partition in after if self._parts[model, partition].views)
        return Turn(id=turn, model=model, after=after, warm=warm)

    async def finish(self, turn: Turn, changes: HotChanges) -> None:
        for partition, position in turn.after.items():
            part = self._parts.get((turn.model, partition))
            if part is None or part.turn != turn.id:
                continue
            for placing in changes.placings:
                if partition_of(placing.workspace) == partition:
                    _place(part, placing)
            for workspace, person in list(part.views):
                if workspace in changes.forgotten:
                    del part.views[workspace, person]
            part.at, part.turn, part.to = position, None, Position(-1)

    async def page(self, view: View, position: Position, part: Range) -> Sequence[HotRow] | None:
        kept = self._parts.get((view.model, partition_of(view.workspace)))
        if kept is None or kept.at != position:
            return None
        rows = kept.views.get((view.workspace, view.person))
        if rows is None:
            return None
        found = sorted((row for row in rows.values() if _is_in(part, row)), key=lambda row: _order(row.place))
        return found[: part.limit]

    async def fill(self, view: View, position: Position, rows: Sequence[HotRow]) -> bool:
        part = self._parts.setdefault((view.model, partition_of(view.workspace)), _Part())
        if (part.to if part.at is None else part.at) > position:
            return False
        if part.at != position:
            part.views.clear()
            part.at, part.turn, part.to = position, None, Position(-1)
        part.views[view.workspace, view.person] = {row.id: row for row in rows}
        return True

    def lose_all(self) -> None:
        self._parts.clear()


def _place(part: _Part, placing: Placing) -> None:
    for person in placing.people | placing.others:
        rows = part.views.get((placing.workspace, person))
        if rows is None:
            continue
        rows.pop(placing.row.id, None)
        if person in placing.people:
            rows[placing.row.id] = placing.row
        if len(rows) > VIEW_ROWS_MAX:
            del part.views[placing.workspace, person]


def _order(place: Place) -> tuple[bool, datetime, UUID]:
    return (place.time is None, place.time or _LAST, place.id)


def _is_in(part: Range, row: HotRow) -> bool:
    if part.after is not None and _order(row.place) <= _order(part.after):
        return False
    if row.time is None:
        return part.since is None and part.until is None
    return (part.since is None or row.time >= part.since) and (part.until is None or row.time < part.until)
