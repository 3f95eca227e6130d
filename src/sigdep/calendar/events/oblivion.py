"""What must be forgotten: stream `workspace-<workspace id>`."""

from datetime import datetime

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.messages import Event


class WorkspaceForgotten(Event):
    """Its key was destroyed: nothing of it can be read any more, and what was derived from it is to go."""

    workspace_id: WorkspaceId
    at: datetime
