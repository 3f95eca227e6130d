"""What has happened to sessions, each a family of refresh tokens, and to personal access tokens.

Streams: `session-<session id>`, and `token-<token id>`.
"""

from datetime import datetime

from sigdep.contracts.ids import UserId
from sigdep.kernel.messages import Event
from sigdep.users.events.people import SessionEnding, SessionId, TokenId


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
