"""The questions of this context, answered: the service `users.read`."""

from collections.abc import Sequence
from typing import Any, TypeVar

from msgspec import convert

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role, at_least
from sigdep.http.identity import Identities
from sigdep.kernel.cursors import Paging
from sigdep.kernel.errors import Forbidden
from sigdep.kernel.ids import Version
from sigdep.kernel.messages import Command, Query
from sigdep.kernel.read_store import All, Compare, Order, Row, Select
from sigdep.kernel.read_store import Any as AnyOf
from sigdep.rpc.call import Answer, Call, Principal
from sigdep.users.credentials.signing import JsonWebKeySet, SigningKeys
from sigdep.users.domain.session import IDLE_MAX
from sigdep.users.domain.user import UserNotFound
from sigdep.users.domain.workspace_state import WorkspaceNotFound
from sigdep.users.queries import (
    GetProfile,
    GetPublicKeys,
    GetWorkspace,
    Identify,
    InvitationView,
    ListInvitations,
    ListMembers,
    ListSessions,
    ListTokens,
    ListWorkspaces,
    MemberView,
    Page,
    Profile,
    SessionView,
    TokenView,
    WorkspaceView,
)
from sigdep.users.read_models.credentials import SESSIONS, TOKENS
from sigdep.users.read_models.people import PEOPLE
from sigdep.users.read_models.workspaces import INVITATIONS, MEMBERSHIPS, WORKSPACES
from sigdep.users.service.accounts import session_of
from sigdep.users.service.doubts import Doubts
from sigdep.users.service.reading import Reads
from sigdep.users.service.surroundings import partition_for
from sigdep.users.service.token_uses import TokenUses

V = TypeVar("V")

Lists = ListSessions | ListTokens | ListWorkspaces | ListMembers | ListInvitations


class UsersRead:
    """A Service (`rpc/call.py`) of every query in `queries.py`. Each is about the caller, or asked by a member."""

    def __init__(
        self, reads: Reads, *, keys: SigningKeys, uses: TokenUses, identities: Identities, doubts: Doubts
    ) -> None:
        self._reads = reads
        self._doubts = doubts
        self._identities = identities
        self._keys = keys
        self._uses = uses
        self._handlers: dict[type[Command | Query], Any] = {
            GetProfile: self.get_profile,
            ListSessions: self.list_sessions,
            ListTokens: self.list_tokens,
            ListWorkspaces: self.list_workspaces,
            GetWorkspace: self.get_workspace,
            ListMembers: self.list_members,
            ListInvitations: self.list_invitations,
            GetPublicKeys: self.get_public_keys,
            Identify: self.identify,
        }

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        handle = self._handlers.get(type(message))
        if handle is None:
            raise TypeError(f"users.read answers no {type(message).__name__}.")
        answer: Answer[Any] = await handle(message, call)
        return answer

    async def get_public_keys(self, query: GetPublicKeys, call: Call) -> Answer[JsonWebKeySet]:
        return Answer(value=self._keys.public)

    async def identify(self, query: Identify, call: Call) -> Answer[Principal]:
        return Answer(value=await self._identities.principal(query.bearer, fresh=query.fresh))

    # ── oneself ─────────────────────────────────────────────────────────────────────────────────────────

    async def get_profile(self, query: GetProfile, call: Call) -> Answer[Profile]:
        position = await self._reads.begin(call)
        row = await self._person(call.caller.user_id)
        profile = convert({**row, "id": row["user_id"]}, Profile)
        return Answer(value=profile, position=position, version=Version(profile.version))

    async def list_sessions(self, query: ListSessions, call: Call) -> Answer[Page[SessionView]]:
        """Those that are good: a changed password, long silence or great age ends the others."""
        user_id, at = call.caller.user_id, call.asked_at
        position = await self._reads.begin(call, partition_for(user_id))
        person = await self._person(user_id)
        admitted = [Compare("password_number", "=", person["password_number"])]
        if person["kept_session_id"] is not None:
            admitted.append(Compare("session_id", "=", person["kept_session_id"]))
        where = All(
            (
                Compare("user_id", "=", user_id),
                AnyOf(tuple(admitted)),
                Compare("expires_at", ">", at),
                Compare("refreshed_at", ">", at - IDLE_MAX),
            )
        )
        select = Select(table=SESSIONS, where=where, order=(Order("refreshed_at", descending=True),))
        rows, cursor = await self._page(query, user_id, select)
        asking = session_of(call)
        shown = [
            convert({**row, "id": row["session_id"], "current": row["session_id"] == asking}, SessionView)
            for row in rows
        ]
        return Answer(value=Page(items=shown, next_cursor=cursor), position=position)

    async def list_tokens(self, query: ListTokens, call: Call) -> Answer[Page[TokenView]]:
        user_id = call.caller.user_id
        position = await self._reads.begin(call, partition_for(user_id))
        mine = Compare("user_id", "=", user_id)
        select = Select(table=TOKENS, where=mine, order=(Order("created_at", descending=True),))
        rows, cursor = await self._page(query, user_id, select)
        used = await self._uses.last_used([row["token_id"] for row in rows])  # type: ignore[misc]
        shown = [
            convert(
                {
                    **row,
                    "id": row["token_id"],
                    "scopes": sorted(row["scopes"]),  # type: ignore[arg-type]  # By its column's kind.
                    "last_used_at": used.get(row["token_id"]),  # type: ignore[call-overload]
                },
                TokenView,
            )
            for row in rows
        ]
        return Answer(value=Page(items=shown, next_cursor=cursor), position=position)

    # ── workspaces ──────────────────────────────────────────────────────────────────────────────────────

    async def list_workspaces(self, query: ListWorkspaces, call: Call) -> Answer[Page[WorkspaceView]]:
        user_id = call.caller.user_id
        position = await self._reads.begin(call)
        theirs = Compare("user_id", "=", user_id)
        select = Select(table=MEMBERSHIPS, where=theirs, order=(Order("since"),))
        rows, cursor = await self._page(query, user_id, select)
        mine = [row for row in rows if not self._doubts.deny(user_id, row["workspace_id"])]  # type: ignore[arg-type]
        found = await self._reads.get_many(WORKSPACES, [(row["workspace_id"],) for row in mine])
        shown = [
            _workspace(found[row["workspace_id"],], membership=row) for row in mine if (row["workspace_id"],) in found
        ]
        return Answer(value=Page(items=shown, next_cursor=cursor), position=position)

    async def get_workspace(self, query: GetWorkspace, call: Call) -> Answer[WorkspaceView]:
        position = await self._reads.begin(call)
        membership = await self._membership(query.workspace_id, call)
        row = await self._reads.get(WORKSPACES, (query.workspace_id,))
        if row is None:
            raise WorkspaceNotFound
        shown = _workspace(row, membership)
        return Answer(value=shown, position=position, version=Version(shown.version))

    async def list_members(self, query: ListMembers, call: Call) -> Answer[Page[MemberView]]:
        position = await self._reads.begin(call)
        await self._membership(query.workspace_id, call)
        here = Compare("workspace_id", "=", query.workspace_id)
        select = Select(table=MEMBERSHIPS, where=here, order=(Order("since"),))
        rows, cursor = await self._page(query, query.workspace_id, select)
        people = await self._reads.get_many(PEOPLE, [(row["user_id"],) for row in rows])
        shown = [convert({**people[row["user_id"],], **row}, MemberView) for row in rows if (row["user_id"],) in people]
        return Answer(value=Page(items=shown, next_cursor=cursor), position=position)

    async def list_invitations(self, query: ListInvitations, call: Call) -> Answer[Page[InvitationView]]:
        """Those that wait for an answer."""
        position = await self._reads.begin(call)
        role = convert((await self._membership(query.workspace_id, call))["role"], Role)
        if not at_least(role, "admin"):
            raise Forbidden(f"This needs the role admin in the workspace; yours is {role}.")
        where = All((Compare("workspace_id", "=", query.workspace_id), Compare("expires_at", ">", call.asked_at)))
        select = Select(table=INVITATIONS, where=where, order=(Order("invited_at"),))
        rows, cursor = await self._page(query, query.workspace_id, select)
        shown = [convert({**row, "id": row["invitation_id"]}, InvitationView) for row in rows]
        return Answer(value=Page(items=shown, next_cursor=cursor), position=position)

    async def _person(self, user_id: UserId) -> Row:
        """
        Raises:
            UserNotFound: they have been erased.
        """
        row = await self._reads.find(PEOPLE, (user_id,))
        if row is None:
            raise UserNotFound
        return row

    async def _membership(self, workspace_id: WorkspaceId, call: Call) -> Row:
        """The caller's.

        Raises:
            WorkspaceNotFound: they are no member.
        """
        user = call.caller.user_id
        row = await self._reads.find(MEMBERSHIPS, (user, workspace_id))
        if row is None or self._doubts.deny(user, workspace_id):
            raise WorkspaceNotFound
        return row

    async def _page(
        self, query: Lists, scope: UserId | WorkspaceId, select: Select
    ) -> tuple[Sequence[Row], str | None]:
        paging = Paging(query, scope)
        limited = Select(table=select.table, where=select.where, order=select.order, limit=query.limit)
        page = await self._reads.select(paging.after(limited, query.cursor))
        return page.rows, paging.cursor(page.next)


def _workspace(row: Row, membership: Row) -> WorkspaceView:
    return convert({**row, "id": row["workspace_id"], "role": membership["role"]}, WorkspaceView)
