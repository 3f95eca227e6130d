"""Lists of tasks."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.cursors import Paging
from sigdep.kernel.ids import Position
from sigdep.kernel.read_store import All, Compare, ModelId, Order, Page, Select
from sigdep.reading.pages import document_of, listing
from sigdep.reading.sources import Sources
from sigdep.reading.views import LiveView, View
from sigdep.rpc.call import Answer, Call, Encoded
from sigdep.tasks.filter.compile import References, Scope, compile_filter, references
from sigdep.tasks.filter.dates import Clock
from sigdep.tasks.queries import ListSubtasks, ListTasks
from sigdep.tasks.read_models.task_rows import ASSIGNMENTS, TASKS
from sigdep.tasks.read_service.hot_lists import HotLists
from sigdep.tasks.read_service.listing import tree_of, zone_of
from sigdep.tasks.read_service.names import hidden_projects, lacks, scope_of
from sigdep.tasks.read_service.questions import leaves_out_hidden, task_question
from sigdep.tasks.read_service.text_search import TextSearch
from sigdep.tasks.read_service.things import TASK

HIDDEN_KEPT_MAX: Final = 1_000
"""Workspaces whose archived projects are remembered for as long as the read model stands still."""

_DOCUMENT: Final = ("document",)


class TaskLists:
    """Answers with pages of tasks."""

    def __init__(self, sources: Sources, search: TextSearch | None, hot: HotLists | None) -> None:
        self._sources = sources
        self._search = search
        self._hot = hot
        self._hidden: OrderedDict[WorkspaceId, tuple[ModelId, Position, Sequence[UUID]]] = OrderedDict()

    async def list_tasks(self, query: ListTasks, call: Call) -> Answer[Encoded]:
        workspace = self._sources.workspace(query.workspace_id, call)
        tree = tree_of(query)
        needed = references(tree)
        clock = Clock(call.asked_at, zone_of(call.caller.time_zone if query.time_zone is None else query.time_zone))
        paging = Paging(query, workspace)
        view = await self._sources.view(workspace, query.at, call)
        scope = await self._scope(needed, workspace, view, clock, call)
        asked = compile_filter(tree, scope)
        position = view.position(workspace)
        if self._search is not None and isinstance(view, LiveView):
            asked = await self._search.narrowed(asked, workspace, position.position)
        hidden = await self._hidden_projects(view, workspace) if leaves_out_hidden(query, needed) else ()
        select = paging.after(task_question(query, workspace, asked, needed, hidden), query.cursor)
        if self._hot is not None and isinstance(view, LiveView):
            page = await self._hot.page(select, view.model, position.position)
            if page is not None:
                return listing(map(document_of, page.rows), paging.cursor(page.next), position)
        page = await view.select(select)
        return listing(await _documents(view, select, page), paging.cursor(page.next), position)

    async def list_subtasks(self, query: ListSubtasks, call: Call) -> Answer[Encoded]:
        workspace = await self._sources.workspace_of(TASK, query.task_id, call)
        view = await self._sources.view(workspace, query.at, call)
        position = view.position(workspace)
        where = All(
            (
                Compare("workspace_id", "=", workspace),
                Compare("parent_id", "=", query.task_id),
                Compare("trashed", "=", query.trashed),
            )
        )
        paging = Paging(query, workspace)
        select = Select(table=TASKS, where=where, order=(Order("rank"),), limit=query.limit, columns=_DOCUMENT)
        page = await view.select(paging.after(select, query.cursor))
        return listing(map(document_of, page.rows), paging.cursor(page.next), position)

    async def _scope(self, needed: References, workspace: WorkspaceId, view: View, clock: Clock, call: Call) -> Scope:
        """What the names stand for. One that has only just been given is waited for: lag shows as no refusal."""
        me = call.caller.user_id
        scope = await scope_of(needed, workspace, view, clock=clock, me=me)
        if lacks(scope, needed) and isinstance(view, LiveView):
            await self._sources.catch_up(workspace)
            scope = await scope_of(needed, workspace, view, clock=clock, me=me)
        return scope

    async def _hidden_projects(self, view: View, workspace: WorkspaceId) -> Sequence[UUID]:
        if not isinstance(view, LiveView):
            return await hidden_projects(view, workspace)
        position = view.position(workspace).position
        kept = self._hidden.get(workspace)
        if kept is not None and kept[:2] == (view.model, position):
            return kept[2]
        hidden = await hidden_projects(view, workspace)
        self._hidden[workspace] = (view.model, position, hidden)
        self._hidden.move_to_end(workspace)
        if len(self._hidden) > HIDDEN_KEPT_MAX:
            self._hidden.popitem(last=False)
        return hidden


async def _documents(view: View, select: Select, page: Page) -> Sequence[bytes]:
    if select.table is not ASSIGNMENTS:
        return [document_of(row) for row in page.rows]
    keys = [(row["id"],) for row in page.rows]
    found = await view.get_many(TASKS, keys, _DOCUMENT)
    # A task that has been erased between the two questions is left out.
    return [document_of(found[key]) for key in keys if key in found]
