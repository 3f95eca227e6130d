"""What has happened to people, their workspaces, their sessions and their tokens.

Sealed with the key of the person or the workspace that they are about, but for those that say otherwise.
Instants are UTC.
"""

from datetime import datetime
from typing import Literal, NewType
from uuid import UUID

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.messages import UNSET, Event, UnsetType

EmailId = NewType("EmailId", UUID)
"""Made of a normalised address with a secret of the server: the address itself stands in no stream's name."""
SessionId = NewType("SessionId", UUID)
TokenId = NewType("TokenId", UUID)
InvitationId = NewType("InvitationId", UUID)

SessionEnding = Literal["signed_out", "reused"]
"""`reused`: somebody came with a refresh token that had been exchanged before, so that it must have been stolen."""


# ── people: stream `user-<user id>` ─────────────────────────────────────────────────────────────────────


class UserRegistered(Event):
    user_id: UserId
    email: str
    email_id: EmailId
    name: str
    password_hash: str
    personal_workspace_id: WorkspaceId
    time_zone: str
    locale: str
    at: datetime


class ProfileEdited(Event):
    """Some of these have a new value."""

    user_id: UserId
    at: datetime
    name: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    locale: str | UnsetType = UNSET


class EmailChanged(Event):
    user_id: UserId
    email: str
    email_id: EmailId
    at: datetime


class PasswordChanged(Event):
    """Sessions that began with an older password are over, but for the one that changed it."""

    user_id: UserId
    password_hash: str
    kept_session_id: SessionId | None
    at: datetime


class PasswordRehashed(Event):
    """The same password, hashed with the parameters of today."""

    user_id: UserId
    password_hash: str
    at: datetime


class UserErasureRequested(Event):
    user_id: UserId
    due_at: datetime
    at: datetime


class UserErasureCancelled(Event):
    user_id: UserId
    at: datetime


class UserErasureBegun(Event):
    """There is no way back: the person's key is about to be destroyed. Sealed with the system's key."""

    user_id: UserId
    email_id: EmailId
    personal_workspace_id: WorkspaceId
    at: datetime


class UserErased(Event):
    """The person's key is destroyed. Sealed with the system's key."""

    user_id: UserId
    at: datetime


UserEvent = (
    UserRegistered
    | ProfileEdited
    | EmailChanged
    | PasswordChanged
    | PasswordRehashed
    | UserErasureRequested
    | UserErasureCancelled
    | UserErasureBegun
    | UserErased
)


# ── addresses: stream `email-<email id>`. Keeps them unique. ────────────────────────────────────────────


class EmailClaimed(Event):
    user_id: UserId
    at: datetime


class EmailReleased(Event):
    """Anybody may claim it now. Sealed with the system's key when its person is erased."""

    at: datetime


EmailEvent = EmailClaimed | EmailReleased


# ── workspaces: stream `workspace-<workspace id>` ───────────────────────────────────────────────────────


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


# ── sessions: stream `session-<session id>`. Each is a family of refresh tokens. ────────────────────────


class SessionStarted(Event):
    """`password_number`: how often the password had been changed when it was given."""

    session_id: SessionId
    user_id: UserId
    password_number: int
    device: str | None
    expires_at: datetime
    at: datetime


class SessionRefreshed(Event):
    """The refresh token of the generation before was exchanged for one of this generation."""

    session_id: SessionId
    user_id: UserId
    generation: int
    at: datetime


class SessionEnded(Event):
    session_id: SessionId
    user_id: UserId
    reason: SessionEnding
    at: datetime


SessionEvent = SessionStarted | SessionRefreshed | SessionEnded


# ── personal access tokens: stream `token-<token id>` ───────────────────────────────────────────────────


class TokenMade(Event):
    token_id: TokenId
    user_id: UserId
    name: str
    scopes: tuple[str, ...]
    sha256: str
    """Of the token, in hexadecimal. The token itself is stored nowhere."""
    ending: str
    """Its last characters, by which its owner recognises it."""
    expires_at: datetime | None
    at: datetime


class TokenRevoked(Event):
    token_id: TokenId
    user_id: UserId
    at: datetime


TokenEvent = TokenMade | TokenRevoked


EVENTS: tuple[type[Event], ...] = (
    UserRegistered,
    ProfileEdited,
    EmailChanged,
    PasswordChanged,
    PasswordRehashed,
    UserErasureRequested,
    UserErasureCancelled,
    UserErasureBegun,
    UserErased,
    EmailClaimed,
    EmailReleased,
    WorkspaceCreated,
    WorkspaceRenamed,
    MemberAdded,
    MemberRoleChanged,
    MemberRemoved,
    MemberInvited,
    InvitationAccepted,
    InvitationDeclined,
    InvitationRevoked,
    InvitationForgotten,
    WorkspaceErasureRequested,
    WorkspaceErasureCancelled,
    WorkspaceErasureBegun,
    WorkspaceErased,
    SessionStarted,
    SessionRefreshed,
    SessionEnded,
    TokenMade,
    TokenRevoked,
)
"""Every type that was ever stored."""
