"""What is asked of workspaces, their members and invitations."""

from datetime import datetime

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.messages import Command
from sigdep.users.events.people import EmailId, InvitationId


class CreateWorkspace(Command):
    workspace_id: WorkspaceId
    name: str
    by: UserId
    at: datetime
    personal: bool = False


class RenameWorkspace(Command):
    workspace_id: WorkspaceId
    name: str
    by: UserId
    at: datetime


class ChangeMemberRole(Command):
    workspace_id: WorkspaceId
    user_id: UserId
    role: Role
    by: UserId
    at: datetime


class RemoveMember(Command):
    """A member who removes themselves leaves."""

    workspace_id: WorkspaceId
    user_id: UserId
    by: UserId
    at: datetime


class InviteMember(Command):
    workspace_id: WorkspaceId
    invitation_id: InvitationId
    email: str
    email_id: EmailId
    invitee: UserId | None
    """The user who has this address at present, if anybody does."""
    role: Role
    expires_at: datetime
    by: UserId
    at: datetime


class AcceptInvitation(Command):
    workspace_id: WorkspaceId
    invitation_id: InvitationId
    email_id: EmailId
    """The address of who accepts."""
    by: UserId
    at: datetime


class DeclineInvitation(Command):
    workspace_id: WorkspaceId
    invitation_id: InvitationId
    email_id: EmailId
    by: UserId
    at: datetime


class RevokeInvitation(Command):
    workspace_id: WorkspaceId
    invitation_id: InvitationId
    by: UserId
    at: datetime


class ForgetInvitation(Command):
    """Its key is destroyed, or about to be: nothing can be done with it any more."""

    workspace_id: WorkspaceId
    invitation_id: InvitationId
    at: datetime


class RequestWorkspaceErasure(Command):
    workspace_id: WorkspaceId
    due_at: datetime
    by: UserId
    at: datetime


class CancelWorkspaceErasure(Command):
    workspace_id: WorkspaceId
    by: UserId
    at: datetime


class BeginWorkspaceErasure(Command):
    """Its time has come, or (`with_owner`) the only member is being erased."""

    workspace_id: WorkspaceId
    at: datetime
    with_owner: UserId | None = None


class FinishWorkspaceErasure(Command):
    """The workspace's key is destroyed."""

    workspace_id: WorkspaceId
    at: datetime


class RemoveErasedMember(Command):
    """A member is being erased. Where they were the only owner, a successor becomes one."""

    workspace_id: WorkspaceId
    user_id: UserId
    at: datetime


WorkspaceCommand = (
    CreateWorkspace
    | RenameWorkspace
    | ChangeMemberRole
    | RemoveMember
    | InviteMember
    | AcceptInvitation
    | DeclineInvitation
    | RevokeInvitation
    | ForgetInvitation
    | RequestWorkspaceErasure
    | CancelWorkspaceErasure
    | BeginWorkspaceErasure
    | FinishWorkspaceErasure
    | RemoveErasedMember
)
