"""What a workspace has become by its events: its name, its members, and who is invited."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role, at_least
from sigdep.kernel.errors import Forbidden, NotFound
from sigdep.kernel.messages import State, field
from sigdep.users.events.people import EmailId, InvitationId
from sigdep.users.events.workspaces import (
    InvitationAccepted,
    InvitationDeclined,
    InvitationForgotten,
    InvitationRevoked,
    MemberAdded,
    MemberInvited,
    MemberRemoved,
    MemberRoleChanged,
    WorkspaceCreated,
    WorkspaceErased,
    WorkspaceErasureBegun,
    WorkspaceErasureCancelled,
    WorkspaceErasureRequested,
    WorkspaceEvent,
    WorkspaceRenamed,
)

K = TypeVar("K")
V = TypeVar("V")

_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Member(Struct, frozen=True):
    role: Role
    since: datetime


class Invitation(Struct, frozen=True):
    """One that is neither accepted nor declined nor revoked. Without the address: that is sealed by another key."""

    email_id: EmailId
    role: Role
    by: UserId
    at: datetime
    expires_at: datetime


class WorkspaceNotFound(NotFound):
    """There is none, or the caller is no member of it: they may not learn which."""

    def __init__(self) -> None:
        super().__init__("This workspace does not exist, or you are no member of it.")


class Workspace(State):
    status: Literal["absent", "active", "erasing", "erased"] = "absent"
    id: WorkspaceId = WorkspaceId(_NOBODY)
    name: str = ""
    personal: bool = False
    created_by: UserId = UserId(_NOBODY)
    created_at: datetime = _NEVER
    members: dict[UserId, Member] = field(default_factory=dict)
    """In the order in which they joined."""
    invitations: dict[InvitationId, Invitation] = field(default_factory=dict)
    erased_at: datetime | None = None
    """When it will be erased, if that has been asked for."""

    def role_of(self, user_id: UserId) -> Role:
        """
        Raises:
            WorkspaceNotFound: the user is no member.
        """
        if self.status != "active" or user_id not in self.members:
            raise WorkspaceNotFound
        return self.members[user_id].role

    def require(self, user_id: UserId, needed: Role) -> Role:
        """The user's role.

        Raises:
            WorkspaceNotFound: the user is no member.
            Forbidden: a member with a lesser role.
        """
        role = self.role_of(user_id)
        if not at_least(role, needed):
            raise Forbidden(f"This needs the role {needed} in the workspace; yours is {role}.")
        return role

    @property
    def owners(self) -> list[UserId]:
        return [user_id for user_id, member in self.members.items() if member.role == "owner"]


def evolve(workspace: Workspace, event: WorkspaceEvent) -> Workspace:
    match event:
        case WorkspaceCreated():
            return Workspace(
                status="active",
                id=event.workspace_id,
                name=event.name,
                personal=event.personal,
                created_by=event.by,
                created_at=event.at,
            )
        case WorkspaceRenamed():
            return replace(workspace, name=event.name)
        case MemberAdded():
            member = Member(role=event.role, since=event.at)
            return replace(workspace, members={**workspace.members, event.user_id: member})
        case MemberRoleChanged():
            member = replace(workspace.members[event.user_id], role=event.role)
            return replace(workspace, members={**workspace.members, event.user_id: member})
        case MemberRemoved():
            return replace(workspace, members=_without(workspace.members, event.user_id))
        case MemberInvited():
            invitation = Invitation(event.email_id, event.role, event.by, event.at, event.expires_at)
            return replace(workspace, invitations={**workspace.invitations, event.invitation_id: invitation})
        case InvitationAccepted() | InvitationDeclined() | InvitationRevoked() | InvitationForgotten():
            return replace(workspace, invitations=_without(workspace.invitations, event.invitation_id))
        case WorkspaceErasureRequested():
            return replace(workspace, erased_at=event.due_at)
        case WorkspaceErasureCancelled():
            return replace(workspace, erased_at=None)
        case WorkspaceErasureBegun():
            # Nothing personal stays in the state: a snapshot of it is not sealed with the workspace's key.
            return Workspace(status="erasing", id=event.workspace_id)
        case WorkspaceErased():
            return Workspace(status="erased", id=event.workspace_id)


def _without(things: Mapping[K, V], key: K) -> dict[K, V]:
    return {other: thing for other, thing in things.items() if other != key}
