"""What is asked of people's accounts, workspaces, sessions and tokens.

`by` and `at` are stamped at the edge, from the call. The requests at the end hold secrets in the
clear: the service takes them out before anything is decided, and they are never stored.
"""

from datetime import datetime

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.messages import UNSET, Command, UnsetType
from sigdep.users.events import EmailId, InvitationId, SessionEnding, SessionId, TokenId

# ── people ──────────────────────────────────────────────────────────────────────────────────────────────


class RegisterUser(Command):
    user_id: UserId
    email: str
    email_id: EmailId
    name: str
    password_hash: str
    personal_workspace_id: WorkspaceId
    time_zone: str
    locale: str
    at: datetime


class EditProfile(Command):
    user_id: UserId
    at: datetime
    name: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    locale: str | UnsetType = UNSET


class ChangeEmail(Command):
    user_id: UserId
    email: str
    email_id: EmailId
    at: datetime


class ChangePassword(Command):
    user_id: UserId
    password_hash: str
    session_id: SessionId | None
    """The session that asks, which goes on."""
    at: datetime


class RehashPassword(Command):
    user_id: UserId
    old_hash: str
    password_hash: str
    at: datetime


class RequestUserErasure(Command):
    user_id: UserId
    due_at: datetime
    at: datetime


class CancelUserErasure(Command):
    user_id: UserId
    at: datetime


class BeginUserErasure(Command):
    user_id: UserId
    at: datetime


class FinishUserErasure(Command):
    """The person's key is destroyed."""

    user_id: UserId
    at: datetime


UserCommand = (
    RegisterUser
    | EditProfile
    | ChangeEmail
    | ChangePassword
    | RehashPassword
    | RequestUserErasure
    | CancelUserErasure
    | BeginUserErasure
    | FinishUserErasure
)


# ── addresses ───────────────────────────────────────────────────────────────────────────────────────────


class ClaimEmail(Command):
    user_id: UserId
    at: datetime


class ReleaseEmail(Command):
    user_id: UserId
    at: datetime


EmailCommand = ClaimEmail | ReleaseEmail


# ── workspaces ──────────────────────────────────────────────────────────────────────────────────────────


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


# ── sessions and tokens ─────────────────────────────────────────────────────────────────────────────────


class StartSession(Command):
    session_id: SessionId
    user_id: UserId
    password_number: int
    device: str | None
    expires_at: datetime
    at: datetime


class RefreshSession(Command):
    session_id: SessionId
    generation: int
    """Of the refresh token that is presented, and is genuine."""
    at: datetime


class EndSession(Command):
    session_id: SessionId
    user_id: UserId
    at: datetime
    reason: SessionEnding = "signed_out"


SessionCommand = StartSession | RefreshSession | EndSession


class MakeToken(Command):
    token_id: TokenId
    user_id: UserId
    name: str
    scopes: tuple[str, ...]
    sha256: str
    ending: str
    expires_at: datetime | None
    at: datetime


class RevokeToken(Command):
    token_id: TokenId
    user_id: UserId
    at: datetime


TokenCommand = MakeToken | RevokeToken


# ── requests that hold secrets or addresses in the clear ────────────────────────────────────────────────


class SignUp(Command):
    email: str
    password: str
    name: str
    time_zone: str
    locale: str
    user_id: UserId | None = None


class SignIn(Command):
    email: str
    password: str
    device: str | None = None


class ExchangeRefreshToken(Command):
    refresh_token: str


class RevokeRefreshToken(Command):
    """RFC 7009: a token that we do not know is as good as revoked."""

    token: str


class SignOut(Command):
    """None: the session that asks."""

    session_id: SessionId | None = None


class ChangeAccount(Command):
    """A new address or a new password needs the present password."""

    name: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    locale: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    current_password: str | UnsetType = UNSET


class EraseAccount(Command):
    """After the grace period."""


class KeepAccount(Command):
    """Take an erasure back, while there is time."""


class IssueToken(Command):
    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    token_id: TokenId | None = None


class WithdrawToken(Command):
    token_id: TokenId


class OpenWorkspace(Command):
    name: str
    workspace_id: WorkspaceId | None = None


class EraseWorkspace(Command):
    """After the grace period."""

    workspace_id: WorkspaceId


class KeepWorkspace(Command):
    """Take an erasure back, while there is time."""

    workspace_id: WorkspaceId


class Invite(Command):
    workspace_id: WorkspaceId
    email: str
    role: Role


class AnswerInvitation(Command):
    token: str
    accept: bool
