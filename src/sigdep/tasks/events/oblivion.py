"""What must be forgotten: stream `workspace-<workspace id>`."""

from datetime import datetime

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.messages import Event


class WorkspaceForgotten(Event):
    """The workspace was erased: its key is gone, and whatever was derived from its events must go too.

    Sealed with the key of no person and no workspace, so that every reader can read it for ever.
    """

    workspace_id: WorkspaceId
    at: datetime
