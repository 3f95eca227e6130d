"""A workspace: the tenant, with everything that its members make in it."""

from collections.abc import Sequence
from typing import Final

from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Refused
from sigdep.users.commands.workspaces import (
    AcceptInvitation,
    BeginWorkspaceErasure,
    CancelWorkspaceErasure,
    ChangeMemberRole,
    CreateWorkspace,
    DeclineInvitation,
    FinishWorkspaceErasure,
    ForgetInvitation,
    InviteMember,
    RemoveErasedMember,
    RemoveMember,
    RenameWorkspace,
    RequestWorkspaceErasure,
    RevokeInvitation,
    WorkspaceCommand,
)
from sigdep.users.domain import invitations, members
from sigdep.users.domain.workspace_state import Workspace, evolve
from sigdep.users.events.workspaces import (
    MemberAdded,
    WorkspaceCreated,
    WorkspaceErased,
    WorkspaceErasureBegun,
    WorkspaceErasureCancelled,
    WorkspaceErasureRequested,
    WorkspaceEvent,
    WorkspaceRenamed,
)


def decide(command: WorkspaceCommand, workspace: Workspace) -> Sequence[WorkspaceEvent]:
    match command:
        case CreateWorkspace():
            return _create(command, workspace)
        case RenameWorkspace():
            return _rename(command, workspace)
        case ChangeMemberRole():
            return members.change_role(command, workspace)
        case RemoveMember():
            return members.remove(command, workspace)
        case RemoveErasedMember():
            return members.remove_erased(command, workspace)
        case InviteMember():
            return invitations.invite(command, workspace)
        case AcceptInvitation():
            return invitations.accept(command, workspace)
        case DeclineInvitation():
            return invitations.decline(command, workspace)
        case RevokeInvitation():
            return invitations.revoke(command, workspace)
        case ForgetInvitation():
            return invitations.forget(command, workspace)
        case RequestWorkspaceErasure():
            return _request_erasure(command, workspace)
        case CancelWorkspaceErasure():
            return _cancel_erasure(command, workspace)
        case BeginWorkspaceErasure():
            return _begin_erasure(command, workspace)
        case FinishWorkspaceErasure():
            if workspace.status != "erasing":
                return []
            return [WorkspaceErased(workspace_id=command.workspace_id, at=command.at)]


def _create(command: CreateWorkspace, workspace: Workspace) -> Sequence[WorkspaceEvent]:
    if workspace.status == "active" and (workspace.created_by, workspace.name) == (command.by, command.name):
        return []  # The same request again, as its id tells.
    if workspace.status != "absent":
        raise Refused("Another workspace has this id.")
    created = WorkspaceCreated(
        workspace_id=command.workspace_id,
        name=command.name,
        personal=command.personal,
        by=command.by,
        at=command.at,
    )
    owner = MemberAdded(
        workspace_id=command.workspace_id, user_id=command.by, role="owner", by=command.by, at=command.at
    )
    return [created, owner]


def _rename(command: RenameWorkspace, workspace: Workspace) -> Sequence[WorkspaceRenamed]:
    workspace.require(command.by, "admin")
    if command.name == workspace.name:
        return []
    return [WorkspaceRenamed(workspace_id=command.workspace_id, name=command.name, by=command.by, at=command.at)]


def _request_erasure(command: RequestWorkspaceErasure, workspace: Workspace) -> Sequence[WorkspaceErasureRequested]:
    workspace.require(command.by, "owner")
    if workspace.personal:
        raise Refused("A personal workspace goes with its account: DELETE /api/users/me.")
    if workspace.erased_at is not None:
        return []
    return [
        WorkspaceErasureRequested(
            workspace_id=command.workspace_id, due_at=command.due_at, by=command.by, at=command.at
        )
    ]


def _cancel_erasure(command: CancelWorkspaceErasure, workspace: Workspace) -> Sequence[WorkspaceErasureCancelled]:
    workspace.require(command.by, "owner")
    if workspace.erased_at is None:
        return []
    return [WorkspaceErasureCancelled(workspace_id=command.workspace_id, by=command.by, at=command.at)]


def _begin_erasure(command: BeginWorkspaceErasure, workspace: Workspace) -> Sequence[WorkspaceErasureBegun]:
    if workspace.status != "active":
        return []
    due = workspace.erased_at is not None and workspace.erased_at <= command.at
    orphaned = command.with_owner is not None and set(workspace.members) == {command.with_owner}
    return [WorkspaceErasureBegun(workspace_id=command.workspace_id, at=command.at)] if due or orphaned else []


workspace: Final = Decider(
    category="workspace", initial=Workspace(), decide=decide, evolve=evolve, schema="workspace-1"
)
