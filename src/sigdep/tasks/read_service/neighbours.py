"""The ranks beside a rank, for whoever puts a thing between two others."""

from typing import Final

from sigdep.contracts.ids import ProjectId, TaskId, WorkspaceId
from sigdep.kernel.read_store import All, Compare, Condition, IsNull, Order, ReadStore, Select, Table
from sigdep.reading.progress import Progress
from sigdep.tasks.queries import Side
from sigdep.tasks.read_models.projects import PROJECTS
from sigdep.tasks.read_models.task_rows import TASKS

_RANK: Final = ("rank",)


class RankNeighbours:
    """What the writing side wants to know of the order of things, as far as it has been projected."""

    def __init__(self, store: ReadStore, progress: Progress) -> None:
        self._store = store
        self._progress = progress

    async def task_rank(
        self, workspace: WorkspaceId, project_id: ProjectId | None, parent_id: TaskId | None, rank: str, side: Side
    ) -> str | None:
        """The nearest rank on that side among the tasks of one project (or none) below one task (or none)."""
        where = (
            Compare("workspace_id", "=", workspace),
            IsNull("project_id") if project_id is None else Compare("project_id", "=", project_id),
            IsNull("parent_id") if parent_id is None else Compare("parent_id", "=", parent_id),
        )
        return await self._nearest(TASKS, where, rank, side)

    async def project_rank(self, workspace: WorkspaceId, rank: str, side: Side) -> str | None:
        """The nearest rank on that side among the workspace's projects."""
        return await self._nearest(PROJECTS, (Compare("workspace_id", "=", workspace),), rank, side)

    async def _nearest(self, table: Table, where: tuple[Condition, ...], rank: str, side: Side) -> str | None:
        beyond = Compare("rank", "<" if side == "before" else ">", rank)
        select = Select(
            table=table,
            where=All((*where, Compare("trashed", "=", False), beyond)),
            order=(Order("rank", descending=side == "before"),),
            limit=1,
            columns=_RANK,
        )
        page = await self._store.select(self._progress.model_id, select)
        return str(page.rows[0]["rank"]) if page.rows else None
