"""What has to be forgotten. Asked by nobody but a reaction."""

from datetime import datetime

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Command


class ForgetWorkspace(Command):
    """Its key has been destroyed: have whatever was derived from its events removed."""

    workspace_id: WorkspaceId
    at: datetime


class ForgetMember(Command):
    """The user has left the workspace."""

    workspace_id: WorkspaceId
    user_id: UserId
    removed_at: datetime
    at: datetime
    removed_by: UserId | None = None
    """Themselves, where they left. None: nobody that is known."""


class ForgetPerson(Command):
    """Their key has been destroyed: have whatever is known of them removed."""

    user_id: UserId
    at: datetime
