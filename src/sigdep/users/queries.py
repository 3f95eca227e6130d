"""What can be asked about people, workspaces and credentials, and the shapes of the answers, of writes too."""

from collections.abc import Sequence
from datetime import datetime
from typing import Generic, Literal, TypeVar

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.messages import Query
from sigdep.users.events.people import InvitationId, SessionId, TokenId

V = TypeVar("V")


class Page(Struct, Generic[V], frozen=True, kw_only=True):
    """Part of a list."""

    items: Sequence[V]
    next_cursor: str | None


# ── questions: each about the caller, or a workspace that the caller is a member of ─────────────────────


class GetProfile(Query):
    pass


class ListSessions(Query):
    limit: int
    cursor: str | None = None


class ListTokens(Query):
    limit: int
    cursor: str | None = None


class ListWorkspaces(Query):
    limit: int
    cursor: str | None = None


class GetWorkspace(Query):
    workspace_id: WorkspaceId


class ListMembers(Query):
    workspace_id: WorkspaceId
    limit: int
    cursor: str | None = None


class ListInvitations(Query):
    workspace_id: WorkspaceId
    limit: int
    cursor: str | None = None


class GetPublicKeys(Query):
    """With which anybody verifies our access tokens."""


# ── asked by other services, on behalf of nobody ────────────────────────────────────────────────────────


class Identify(Query):
    """Whom a bearer credential stands for, and their roles. The answer's value is a Principal."""

    bearer: str
    fresh: bool = False
    """Ask the side that writes, past every cache. Otherwise the roles may be half a second old."""


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────


class Profile(Struct, frozen=True, kw_only=True):
    """A person, as they see themselves."""

    id: UserId
    email: str
    name: str
    time_zone: str
    """IANA."""
    locale: str
    """BCP 47."""
    personal_workspace_id: WorkspaceId
    created_at: datetime
    erased_at: datetime | None
    """When the account will be erased. null: it stays."""
    version: int


class SessionTokens(Struct, frozen=True, kw_only=True):
    """What signing in gives (RFC 6749 §5.1)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a type, no password
    expires_in: int
    """Seconds."""
    refresh_token: str
    """Good for one exchange at `/oauth/token`."""


class SessionView(Struct, frozen=True, kw_only=True):
    """A place where one is signed in."""

    id: SessionId
    device: str | None
    current: bool
    """The session that asks."""
    started_at: datetime
    refreshed_at: datetime
    expires_at: datetime


class TokenView(Struct, frozen=True, kw_only=True):
    """A personal access token, without the secret."""

    id: TokenId
    name: str
    scopes: tuple[str, ...]
    ending: str
    """The last characters of the token."""
    created_at: datetime
    expires_at: datetime | None
    """null: never."""
    last_used_at: datetime | None
    """To the minute, more or less."""


class NewToken(Struct, frozen=True, kw_only=True):
    """A personal access token that has just been made."""

    id: TokenId
    name: str
    scopes: tuple[str, ...]
    ending: str
    created_at: datetime
    expires_at: datetime | None
    token: str
    """The secret itself. It is shown this once: only its digest is stored."""


class WorkspaceView(Struct, frozen=True, kw_only=True):
    """A workspace, as one of its members sees it."""

    id: WorkspaceId
    name: str
    personal: bool
    role: Role
    """The caller's."""
    created_by: UserId
    created_at: datetime
    erased_at: datetime | None
    """When it will be erased. null: it stays."""
    version: int


class MemberView(Struct, frozen=True, kw_only=True):
    user_id: UserId
    workspace_id: WorkspaceId
    role: Role
    since: datetime
    name: str
    email: str


class InvitationView(Struct, frozen=True, kw_only=True):
    id: InvitationId
    workspace_id: WorkspaceId
    email: str
    role: Role
    invited_by: UserId
    invited_at: datetime
    expires_at: datetime


class NewInvitation(InvitationView, frozen=True, kw_only=True):
    """An invitation that has just been made."""

    token: str
    """Give it to the person who is invited: with it, and with an account of the invited address, they come in."""
