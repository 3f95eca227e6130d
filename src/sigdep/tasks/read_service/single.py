"""Single things: also by number, and what has happened to them."""

from uuid import UUID

from sigdep.kernel.cursors import Paging
from sigdep.kernel.errors import NotFound
from sigdep.kernel.read_store import All, Compare, Select
from sigdep.reading.histories import page_of
from sigdep.reading.single import SingleThings
from sigdep.rpc.call import Answer, Call, Encoded
from sigdep.tasks.queries import GetHistory, GetTask, History
from sigdep.tasks.read_models.task_rows import TASKS
from sigdep.tasks.read_service.histories import history_of
from sigdep.tasks.read_service.things import TASK, THINGS


class Single(SingleThings):
    """Answers about one thing."""

    async def get_task(self, query: GetTask, call: Call) -> Answer[Encoded]:
        identity = query.task_id or await self._numbered(query, call)
        return await self.get(TASK, identity, query.at, call)

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
        entries, following = page_of(history_of(thing, events), query, Paging(query, workspace))
        return Answer(
            value=History(workspace_id=workspace, entries=entries, next_cursor=following),
            position=self.position(events),
        )
