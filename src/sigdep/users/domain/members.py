"""Who belongs to a workspace, and in which role: owner > admin > member > viewer. An owner always remains."""

from collections.abc import Sequence
from typing import Final

from sigdep.contracts.ids import UserId
from sigdep.contracts.roles import Role, at_least
from sigdep.kernel.errors import Forbidden, NotFound, Refused
from sigdep.users.commands.workspaces import ChangeMemberRole, RemoveErasedMember, RemoveMember
from sigdep.users.domain.workspace_state import Workspace
from sigdep.users.events.workspaces import MemberRemoved, MemberRoleChanged

MEMBERS_MAX: Final = 1_000
"""In one workspace."""

_ROLES_DOWNWARDS: Final[tuple[Role, ...]] = ("owner", "admin", "member", "viewer")


class LastOwner(Refused):
    """The workspace would be left without an owner."""

    def __init__(self) -> None:
        super().__init__("A workspace needs an owner. Make another member one first, or delete the workspace.")


class TooManyMembers(Refused):
    def __init__(self) -> None:
        super().__init__(f"A workspace has at most {MEMBERS_MAX:,} members.")


def change_role(command: ChangeMemberRole, workspace: Workspace) -> Sequence[MemberRoleChanged]:
    asker = workspace.require(command.by, "admin")
    present = _role_of_member(workspace, command.user_id)
    if "owner" in (present, command.role) and asker != "owner":
        raise Forbidden("Only an owner may make somebody an owner, or change the role of one.")
    if present == command.role:
        return []
    if workspace.owners == [command.user_id]:
        raise LastOwner
    return [
        MemberRoleChanged(
            workspace_id=command.workspace_id,
            user_id=command.user_id,
            role=command.role,
            by=command.by,
            at=command.at,
        )
    ]


def remove(command: RemoveMember, workspace: Workspace) -> Sequence[MemberRemoved]:
    asker = workspace.role_of(command.by)
    if command.user_id != command.by:
        present = _role_of_member(workspace, command.user_id)
        if not at_least(asker, "admin"):
            raise Forbidden(f"To remove others needs the role admin in the workspace; yours is {asker}.")
        if present == "owner" and asker != "owner":
            raise Forbidden("Only an owner may remove an owner.")
    if workspace.owners == [command.user_id]:
        raise LastOwner
    return [MemberRemoved(workspace_id=command.workspace_id, user_id=command.user_id, by=command.by, at=command.at)]


def remove_erased(command: RemoveErasedMember, workspace: Workspace) -> Sequence[MemberRemoved | MemberRoleChanged]:
    """They cannot stay, whatever has become of the others since they asked to be erased."""
    if workspace.status != "active" or command.user_id not in workspace.members:
        return []
    removed = MemberRemoved(workspace_id=command.workspace_id, user_id=command.user_id, by=None, at=command.at)
    heir = _heir(workspace, command.user_id)
    if heir is None:
        return [removed]
    promoted = MemberRoleChanged(workspace_id=command.workspace_id, user_id=heir, role="owner", by=None, at=command.at)
    return [promoted, removed]


def _role_of_member(workspace: Workspace, user_id: UserId) -> Role:
    member = workspace.members.get(user_id)
    if member is None:
        raise NotFound("The workspace has no such member.")
    return member.role


def _heir(workspace: Workspace, leaving: UserId) -> UserId | None:
    """Who becomes the owner when the only one goes: of those with the highest role, the longest in the workspace."""
    if workspace.owners != [leaving]:
        return None
    for role in _ROLES_DOWNWARDS:
        for user_id, member in workspace.members.items():
            if member.role == role and user_id != leaving:
                return user_id
    return None
