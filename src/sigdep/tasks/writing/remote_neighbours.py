"""The ranks beside a rank, asked of the reading side in another process."""

from sigdep.contracts.ids import ProjectId, TaskId, WorkspaceId
from sigdep.http.stamps import internal_call
from sigdep.rpc.call import Service
from sigdep.tasks.queries import FindProjectRank, FindTaskRank, Side


class RemoteNeighbours:
    """Neighbours (`writing/attempt.py`)."""

    def __init__(self, read: Service) -> None:
        self._read = read

    async def task_rank(
        self, workspace: WorkspaceId, project_id: ProjectId | None, parent_id: TaskId | None, rank: str, side: Side
    ) -> str | None:
        query = FindTaskRank(workspace_id=workspace, project_id=project_id, parent_id=parent_id, rank=rank, side=side)
        found: str | None = (await self._read.ask(query, internal_call())).value
        return found

    async def project_rank(self, workspace: WorkspaceId, rank: str, side: Side) -> str | None:
        query = FindProjectRank(workspace_id=workspace, rank=rank, side=side)
        found: str | None = (await self._read.ask(query, internal_call())).value
        return found
