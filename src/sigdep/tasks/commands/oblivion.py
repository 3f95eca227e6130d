"""What is to be forgotten."""

from datetime import datetime

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.messages import Command


class ForgetWorkspace(Command):
    """Its key has been destroyed: have whatever was derived from its events removed. Asked by nobody but a reaction."""

    workspace_id: WorkspaceId
    at: datetime
