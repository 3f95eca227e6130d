"""What is asked of sessions and tokens."""

from datetime import datetime

from sigdep.contracts.ids import UserId
from sigdep.kernel.messages import Command
from sigdep.users.events.people import SessionEnding, SessionId, TokenId


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
