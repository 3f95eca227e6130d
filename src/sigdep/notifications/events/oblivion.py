"""What has to be forgotten.

Streams `workspace-<workspace id>` and `person-<user id>`, sealed with the key of no person and no workspace, so that
every reader can read it for ever. Instants are UTC.
"""

from datetime import datetime

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Event


class WorkspaceForgotten(Event):
    """The workspace was erased: its key is gone, and whatever was derived from its events must go too."""

    workspace_id: WorkspaceId
    at: datetime


class MemberForgotten(Event):
    """The user has left the workspace, and sees nothing any more of what they were told in it."""

    workspace_id: WorkspaceId
    user_id: UserId
    removed_at: datetime
    at: datetime


WorkspaceEvent = WorkspaceForgotten | MemberForgotten


class PersonForgotten(Event):
    """The person was erased: their key is gone, and whatever was derived from its events must go too."""

    user_id: UserId
    at: datetime
