"""`/api/workspaces` and `/api/invitations`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.http.routes import Body, Listing, Method, Route
from sigdep.kernel.errors import Forbidden, NotFound, Refused
from sigdep.rpc.call import Answer, Call, Service
from sigdep.users.api import shapes
from sigdep.users.commands.requests import AnswerInvitation, EraseWorkspace, Invite, KeepWorkspace, OpenWorkspace
from sigdep.users.commands.workspaces import ChangeMemberRole, RemoveMember, RenameWorkspace, RevokeInvitation
from sigdep.users.events.people import InvitationId
from sigdep.users.queries import (
    GetWorkspace,
    InvitationView,
    ListInvitations,
    ListMembers,
    ListWorkspaces,
    MemberView,
    NewInvitation,
    WorkspaceView,
)


class NewWorkspace(Body, frozen=True, kw_only=True):
    name: shapes.Name
    id: WorkspaceId | None = None
    """A UUIDv7 of your own, so that the request can be repeated. Left out: the server makes one."""


class WorkspaceEdits(Body, frozen=True, kw_only=True):
    name: shapes.Name


class MemberEdits(Body, frozen=True, kw_only=True):
    role: Role


class InvitationWish(Body, frozen=True, kw_only=True):
    email: shapes.Email
    role: Role = "member"


class WorkspaceHandlers:
    """From bodies to messages."""

    def __init__(self, write: Service, read: Service) -> None:
        self.write = write
        self.read = read

    async def create_workspace(self, call: Call, body: NewWorkspace) -> Answer[WorkspaceView]:
        """You are its owner. A request with an `id` of your own may be repeated: it creates once."""
        return await self.write.ask(OpenWorkspace(name=body.name, workspace_id=body.id), call)

    async def list_workspaces(self, call: Call, query: shapes.PageParameters) -> Answer[Listing[WorkspaceView]]:
        """Those that you are a member of, in the order in which you joined them."""
        return shapes.listing(await self.read.ask(ListWorkspaces(limit=query.limit, cursor=query.cursor), call))

    async def get_workspace(self, call: Call, workspace_id: WorkspaceId) -> Answer[WorkspaceView]:
        return await self.read.ask(GetWorkspace(workspace_id=workspace_id), call)

    async def edit_workspace(
        self, call: Call, workspace_id: WorkspaceId, body: WorkspaceEdits
    ) -> Answer[WorkspaceView]:
        """Needs the role admin."""
        message = RenameWorkspace(workspace_id=workspace_id, name=body.name, by=call.caller.user_id, at=call.asked_at)
        return await self.write.ask(message, call)

    async def erase_workspace(self, call: Call, workspace_id: WorkspaceId) -> Answer[WorkspaceView]:
        """After a grace period, `erased_at`, it is erased for ever, with all that is in it. Until then
        `POST /api/workspaces/{workspace_id}/keep` takes it back. Needs the role owner."""
        return await self.write.ask(EraseWorkspace(workspace_id=workspace_id), call)

    async def keep_workspace(self, call: Call, workspace_id: WorkspaceId) -> Answer[WorkspaceView]:
        """Takes back its erasure, while there is time. Needs the role owner."""
        return await self.write.ask(KeepWorkspace(workspace_id=workspace_id), call)

    async def list_members(
        self, call: Call, workspace_id: WorkspaceId, query: shapes.PageParameters
    ) -> Answer[Listing[MemberView]]:
        """In the order in which they joined."""
        message = ListMembers(workspace_id=workspace_id, limit=query.limit, cursor=query.cursor)
        return shapes.listing(await self.read.ask(message, call))

    async def change_member(
        self, call: Call, workspace_id: WorkspaceId, user_id: UserId, body: MemberEdits
    ) -> Answer[MemberView]:
        """Needs the role admin; to make an owner, or to change one, the role owner. The last owner stays one."""
        message = ChangeMemberRole(
            workspace_id=workspace_id, user_id=user_id, role=body.role, by=call.caller.user_id, at=call.asked_at
        )
        return await self.write.ask(message, call)

    async def remove_member(self, call: Call, workspace_id: WorkspaceId, user_id: UserId) -> Answer[None]:
        """To remove yourself is to leave. To remove others needs the role admin; an owner, the role owner."""
        message = RemoveMember(workspace_id=workspace_id, user_id=user_id, by=call.caller.user_id, at=call.asked_at)
        return await self.write.ask(message, call)

    async def create_invitation(
        self, call: Call, workspace_id: WorkspaceId, body: InvitationWish
    ) -> Answer[NewInvitation]:
        """Give the `token` to whom it is for: it is good for seven days, once, and for an account with the invited
        address. Needs the role admin; to invite an owner, the role owner."""
        return await self.write.ask(Invite(workspace_id=workspace_id, email=body.email, role=body.role), call)

    async def list_invitations(
        self, call: Call, workspace_id: WorkspaceId, query: shapes.PageParameters
    ) -> Answer[Listing[InvitationView]]:
        """Those that wait for an answer. Needs the role admin."""
        message = ListInvitations(workspace_id=workspace_id, limit=query.limit, cursor=query.cursor)
        return shapes.listing(await self.read.ask(message, call))

    async def revoke_invitation(
        self, call: Call, workspace_id: WorkspaceId, invitation_id: InvitationId
    ) -> Answer[None]:
        """Needs the role admin."""
        message = RevokeInvitation(
            workspace_id=workspace_id, invitation_id=invitation_id, by=call.caller.user_id, at=call.asked_at
        )
        return await self.write.ask(message, call)

    async def accept_invitation(self, call: Call, token: shapes.Secret) -> Answer[WorkspaceView]:
        """You are a member of the workspace then, with the role that the invitation names."""
        return await self.write.ask(AnswerInvitation(token=token, accept=True), call)

    async def decline_invitation(self, call: Call, token: shapes.Secret) -> Answer[None]:
        """The invitation is over."""
        return await self.write.ask(AnswerInvitation(token=token, accept=False), call)


def workspace_routes(write: Service, read: Service) -> Sequence[Route]:
    handlers = WorkspaceHandlers(write, read)
    many, one = "/api/workspaces", "/api/workspaces/{workspace_id}"
    members, invitations = f"{one}/members", f"{one}/invitations"
    return (
        _read(many, handlers.list_workspaces, "Your workspaces."),
        _write("POST", many, handlers.create_workspace, "Create a workspace."),
        _read(one, handlers.get_workspace, "A workspace."),
        _write("PATCH", one, handlers.edit_workspace, "Rename a workspace."),
        _write("DELETE", one, handlers.erase_workspace, "Erase a workspace, after a grace period."),
        _write("POST", f"{one}/keep", handlers.keep_workspace, "Keep a workspace after all."),
        _read(members, handlers.list_members, "Who belongs to a workspace."),
        _write("PATCH", f"{members}/{{user_id}}", handlers.change_member, "Give a member another role."),
        _write("DELETE", f"{members}/{{user_id}}", handlers.remove_member, "Remove a member, or leave."),
        _read(invitations, handlers.list_invitations, "Who is invited."),
        replace(
            _write("POST", invitations, handlers.create_invitation, "Invite somebody by their address."), secret=True
        ),
        _write("DELETE", f"{invitations}/{{invitation_id}}", handlers.revoke_invitation, "Revoke an invitation."),
        _write("POST", "/api/invitations/{token}/accept", handlers.accept_invitation, "Accept an invitation."),
        _write("POST", "/api/invitations/{token}/decline", handlers.decline_invitation, "Decline an invitation."),
    )


def _read(path: str, handle: Any, summary: str) -> Route:
    return Route(
        method="GET", path=path, handle=handle, summary=summary, tag="workspaces", scope="workspaces:read",
        errors=(NotFound,),
    )  # fmt: skip


def _write(method: Method, path: str, handle: Any, summary: str) -> Route:
    return Route(
        method=method, path=path, handle=handle, summary=summary, tag="workspaces", scope="workspaces:write",
        errors=(Refused, Forbidden, NotFound),
    )  # fmt: skip
