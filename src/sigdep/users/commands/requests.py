"""Requests that hold secrets or addresses in the clear.

The service takes them out before anything is decided, and they are never stored.
"""

from datetime import datetime

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.messages import UNSET, Command, UnsetType
from sigdep.users.events.people import SessionId, TokenId


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
