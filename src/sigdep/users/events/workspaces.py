"""What has happened to a workspace: stream `workspace-<workspace id>`."""

from datetime import datetime

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.messages import Event
from sigdep.users.events.people import EmailId, InvitationId


class WorkspaceCreated(Event):
    workspace_id: WorkspaceId
    name: str
    personal: bool
    by: UserId
    at: datetime


class WorkspaceRenamed(Event):
    workspace_id: WorkspaceId
    name: str
    by: UserId
    at: datetime


class MemberAdded(Event):
    workspace_id: WorkspaceId
    user_id: UserId
    role: Role
    by: UserId
    at: datetime


class MemberRoleChanged(Event):
    """`by` is None when the only owner was erased, and their successor became one."""

    workspace_id: WorkspaceId
    user_id: UserId
    role: Role
    by: UserId | None
    at: datetime


class MemberRemoved(Event):
    """They left (`by` themselves), were removed, or (`by` None) were erased."""

    workspace_id: WorkspaceId
    user_id: UserId
    by: UserId | None
    at: datetime


class MemberInvited(Event):
    """Sealed with a key of the invitation's own, which is destroyed when it is over: it holds an address."""

    workspace_id: WorkspaceId
    invitation_id: InvitationId
    email: str
    email_id: EmailId
    role: Role
    expires_at: datetime
    by: UserId
    at: datetime


class InvitationAccepted(Event):
    workspace_id: WorkspaceId
    invitation_id: InvitationId
    by: UserId
    at: datetime


class InvitationDeclined(Event):
    workspace_id: WorkspaceId
    invitation_id: InvitationId
    by: UserId
    at: datetime


class InvitationRevoked(Event):
    """`by` is None when the person whom it was for is erased."""

    workspace_id: WorkspaceId
    invitation_id: InvitationId
    by: UserId | None
    at: datetime


class InvitationForgotten(Event):
    """It is over or has expired, and the key that sealed its address is destroyed."""

    workspace_id: WorkspaceId
    invitation_id: InvitationId
    at: datetime


class WorkspaceErasureRequested(Event):
    workspace_id: WorkspaceId
    due_at: datetime
    by: UserId
    at: datetime


class WorkspaceErasureCancelled(Event):
    workspace_id: WorkspaceId
    by: UserId
    at: datetime


class WorkspaceErasureBegun(Event):
    """There is no way back: the workspace's key is about to be destroyed. Sealed with the system's key."""

    workspace_id: WorkspaceId
    at: datetime


class WorkspaceErased(Event):
    """The workspace's key is destroyed. Sealed with the system's key."""

    workspace_id: WorkspaceId
    at: datetime


WorkspaceEvent = (
    WorkspaceCreated
    | WorkspaceRenamed
    | MemberAdded
    | MemberRoleChanged
    | MemberRemoved
    | MemberInvited
    | InvitationAccepted
    | InvitationDeclined
    | InvitationRevoked
    | InvitationForgotten
    | WorkspaceErasureRequested
    | WorkspaceErasureCancelled
    | WorkspaceErasureBegun
    | WorkspaceErased
)
