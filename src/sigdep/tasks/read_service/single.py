"""Single things: as they are, as they were, and what has happened to them."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.cursors import Paging
from sigdep.kernel.errors import NotFound
from sigdep.kernel.ids import Position, Positions, Version, partition_of
from sigdep.kernel.read_store import All, Compare, Row, Select
from sigdep.kernel.store import RecordedEvent
from sigdep.reading.histories import page_of
from sigdep.reading.moments import Moment
from sigdep.reading.sources import Sources, not_found
from sigdep.reading.things import Thing
from sigdep.rpc.call import Answer, Call, Encoded, WorkspacePosition
from sigdep.tasks.queries import GetHistory, GetTask, History
from sigdep.tasks.read_models.task_rows import TASKS
from sigdep.tasks.read_service.histories import history_of
from sigdep.tasks.read_service.things import CONTEXT, TASK, THINGS

_SHOWN: Final = ("workspace_id", "version", "document")

_encode: Final = msgspec.json.Encoder().encode


class Single:
    """Answers about one thing."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._store = sources.store
        self._progress = sources.progress

    async def get_task(self, query: GetTask, call: Call) -> Answer[Encoded]:
        identity = query.task_id or await self._numbered(query, call)
        return await self.get(TASK, identity, query.at, call)

    async def get(self, thing: Thing, identity: UUID, at: Moment | None, call: Call) -> Answer[Encoded]:
        if at is not None:
            return self._then(thing, await self._sources.events(thing, identity, call), at)
        reflected = dict(self._progress.positions)
        row = await self._store.get(self._progress.model_id, thing.table, (identity,), _SHOWN)
        if row is None:
            # What a write has returned is there, even where the projector is a moment behind.
            return _folded(thing, await self._sources.events(thing, identity, call))
        return _shown(thing, row, reflected, call)

    def _then(self, thing: Thing, events: Sequence[RecordedEvent], at: Moment) -> Answer[Encoded]:
        present = self._sources.by_then(events, at)
        if not present:
            raise NotFound(f"{thing.name} did not exist yet at that time.")
        return _folded(thing, present)

    async def _numbered(self, query: GetTask, call: Call) -> UUID:
        """The id of the task with a number."""
        workspace = self._sources.workspace(query.workspace_id, call)
        where = All((Compare("workspace_id", "=", workspace), Compare("number", "=", query.number)))
        select = Select(table=TASKS, where=where, limit=1, columns=("id",))
        page = await self._store.select(self._progress.model_id, select)
        if not page.rows:
            await self._sources.catch_up(workspace)
            page = await self._store.select(self._progress.model_id, select)
        if not page.rows:
            raise NotFound(f"There is no task T-{query.number} in this workspace.")
        identity = page.rows[0]["id"]
        assert isinstance(identity, UUID)
        return identity

    async def get_history(self, query: GetHistory, call: Call) -> Answer[History]:
        thing = THINGS[query.thing]
        events = await self._sources.events(thing, query.id, call)
        workspace = events[0].workspace
        entries, following = page_of(history_of(thing, events), query, Paging(query, workspace), thing.table)
        return Answer(
            value=History(workspace_id=workspace, entries=entries, next_cursor=following),
            position=_position(events),
        )


def _shown(thing: Thing, row: Row, reflected: Positions, call: Call) -> Answer[Encoded]:
    workspace, version, document = row["workspace_id"], row["version"], row["document"]
    assert isinstance(workspace, UUID)
    assert isinstance(version, int)
    assert isinstance(document, bytes)
    call.caller.require(WorkspaceId(workspace), "viewer", thing.name)
    partition = partition_of(WorkspaceId(workspace))
    position = WorkspacePosition(CONTEXT, partition, reflected.get(partition, Position(0)))
    return Answer(value=Encoded(document), position=position, version=Version(version))


def _folded(thing: Thing, events: Sequence[RecordedEvent]) -> Answer[Encoded]:
    state = thing.fold(events)
    if state is None:
        raise not_found(thing)
    return Answer(value=Encoded(_encode(state)), position=_position(events), version=events[-1].version)


def _position(events: Sequence[RecordedEvent]) -> WorkspacePosition:
    last = events[-1]
    return WorkspacePosition(CONTEXT, last.partition, Position(last.position))
