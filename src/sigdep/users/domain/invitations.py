"""How people come into a workspace: invited by address, and by their own acceptance."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sigdep.kernel.errors import Forbidden, NotFound, Refused
from sigdep.users.commands.workspaces import (
    AcceptInvitation,
    DeclineInvitation,
    ForgetInvitation,
    InviteMember,
    RevokeInvitation,
)
from sigdep.users.domain.members import MEMBERS_MAX, TooManyMembers
from sigdep.users.domain.workspace_state import Invitation, Workspace
from sigdep.users.events.workspaces import (
    InvitationAccepted,
    InvitationDeclined,
    InvitationForgotten,
    InvitationRevoked,
    MemberAdded,
    MemberInvited,
    WorkspaceEvent,
)

INVITATION_LIFETIME: Final = timedelta(days=7)

INVITATIONS_MAX: Final = 200
"""Waiting for an answer, in one workspace."""


class AlreadyMember(Refused):
    def __init__(self) -> None:
        super().__init__("They are a member already.")


class AlreadyInvited(Refused):
    def __init__(self) -> None:
        super().__init__("This address has an invitation already. Revoke it first to make another.")


class InvitationGone(NotFound):
    """It was never made, or has been answered, revoked or expired."""

    def __init__(self) -> None:
        super().__init__("This invitation does not exist any more. Ask for a new one.")


def invite(command: InviteMember, workspace: Workspace) -> Sequence[MemberInvited]:
    asker = workspace.require(command.by, "admin")
    if command.role == "owner" and asker != "owner":
        raise Forbidden("Only an owner may invite an owner.")
    if workspace.personal:
        raise Refused("A personal workspace is for one person. Create another workspace to share.")
    if command.invitee in workspace.members:
        raise AlreadyMember
    waiting = [one for one in workspace.invitations.values() if one.expires_at > command.at]
    if any(one.email_id == command.email_id for one in waiting):
        raise AlreadyInvited
    if len(waiting) >= INVITATIONS_MAX:
        raise Refused(f"At most {INVITATIONS_MAX} invitations can wait for an answer.")
    return [
        MemberInvited(
            workspace_id=command.workspace_id,
            invitation_id=command.invitation_id,
            email=command.email,
            email_id=command.email_id,
            role=command.role,
            expires_at=command.expires_at,
            by=command.by,
            at=command.at,
        )
    ]


def accept(command: AcceptInvitation, workspace: Workspace) -> Sequence[WorkspaceEvent]:
    invitation = _answerable(command, workspace)
    accepted = InvitationAccepted(
        workspace_id=command.workspace_id, invitation_id=command.invitation_id, by=command.by, at=command.at
    )
    if command.by in workspace.members:
        return [accepted]
    if len(workspace.members) >= MEMBERS_MAX:
        raise TooManyMembers
    added = MemberAdded(
        workspace_id=command.workspace_id,
        user_id=command.by,
        role=invitation.role,
        by=invitation.by,
        at=command.at,
    )
    return [accepted, added]


def decline(command: DeclineInvitation, workspace: Workspace) -> Sequence[InvitationDeclined]:
    _answerable(command, workspace)
    return [
        InvitationDeclined(
            workspace_id=command.workspace_id, invitation_id=command.invitation_id, by=command.by, at=command.at
        )
    ]


def revoke(command: RevokeInvitation, workspace: Workspace) -> Sequence[InvitationRevoked]:
    asker = workspace.require(command.by, "admin")
    invitation = workspace.invitations.get(command.invitation_id)
    if invitation is None:
        raise InvitationGone
    if invitation.role == "owner" and asker != "owner":
        raise Forbidden("Only an owner may revoke the invitation of an owner.")
    return [
        InvitationRevoked(
            workspace_id=command.workspace_id, invitation_id=command.invitation_id, by=command.by, at=command.at
        )
    ]


def forget(command: ForgetInvitation, workspace: Workspace) -> Sequence[InvitationForgotten]:
    """Repeating it does no harm: its key may be gone, and with it all that the state could tell of it."""
    if workspace.status != "active":
        return []
    return [InvitationForgotten(workspace_id=command.workspace_id, invitation_id=command.invitation_id, at=command.at)]


def _answerable(command: AcceptInvitation | DeclineInvitation, workspace: Workspace) -> Invitation:
    invitation = workspace.invitations.get(command.invitation_id)
    if workspace.status != "active" or invitation is None or invitation.expires_at <= command.at:
        raise InvitationGone
    if invitation.email_id != command.email_id:
        raise Forbidden("This invitation is for another address. Sign in with the account that has it.")
    return invitation
