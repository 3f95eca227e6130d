"""Lists of projects, labels and comments."""

from typing import Final

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.cursors import Paging
from sigdep.kernel.messages import Query
from sigdep.kernel.read_store import All, Compare, Condition, Order, Select
from sigdep.reading.moments import Moment
from sigdep.reading.pages import document_of, listing
from sigdep.reading.sources import Sources
from sigdep.rpc.call import Answer, Call, Encoded
from sigdep.tasks.queries import ListComments, ListLabels, ListProjects
from sigdep.tasks.read_models.comments import COMMENTS
from sigdep.tasks.read_models.labels import LABELS
from sigdep.tasks.read_models.projects import PROJECTS
from sigdep.tasks.read_service.things import TASK

_DOCUMENT: Final = ("document",)


class Lists:
    """Answers with pages."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def list_projects(self, query: ListProjects, call: Call) -> Answer[Encoded]:
        workspace = self._sources.workspace(query.workspace_id, call)
        where: list[Condition] = [
            Compare("workspace_id", "=", workspace),
            Compare("trashed", "=", query.trashed),
        ]
        if len(set(query.status)) == 1:
            where.append(Compare("archived", "=", query.status[0] == "archived"))
        name = query.sort.removeprefix("-")
        order = (Order("name_folded" if name == "name" else name, descending=name != query.sort),)
        select = Select(table=PROJECTS, where=All(tuple(where)), order=order, limit=query.limit, columns=_DOCUMENT)
        return await self._page(select, workspace, query, query.cursor, query.at, call)

    async def list_labels(self, query: ListLabels, call: Call) -> Answer[Encoded]:
        workspace = self._sources.workspace(query.workspace_id, call)
        where = All((Compare("workspace_id", "=", workspace), Compare("trashed", "=", query.trashed)))
        order = (Order("name_folded"),)
        select = Select(table=LABELS, where=where, order=order, limit=query.limit, columns=_DOCUMENT)
        return await self._page(select, workspace, query, query.cursor, query.at, call)

    async def list_comments(self, query: ListComments, call: Call) -> Answer[Encoded]:
        workspace = await self._sources.workspace_of(TASK, query.task_id, call)
        where = Compare("task_id", "=", query.task_id)
        order = (Order("created_at"),)
        select = Select(table=COMMENTS, where=where, order=order, limit=query.limit, columns=_DOCUMENT)
        return await self._page(select, workspace, query, query.cursor, query.at, call)

    async def _page(
        self, select: Select, workspace: WorkspaceId, query: Query, cursor: str | None, at: Moment | None, call: Call
    ) -> Answer[Encoded]:
        view = await self._sources.view(workspace, at, call)
        position = view.position(workspace)
        paging = Paging(query, workspace)
        page = await view.select(paging.after(select, cursor))
        return listing(map(document_of, page.rows), paging.cursor(page.next), position)
