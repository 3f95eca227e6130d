"""Which sessions and personal access tokens are good. The events of one person's are in another partition than the
person: what a changed password ends is asked of `people`, so that it does not matter which of them comes first."""

from typing import Final

from sigdep.kernel.messages import Event
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import Column, Compare, Index, Key, Row, Table
from sigdep.users.events.people import UserErased, UserErasureBegun
from sigdep.users.events.sessions import SessionEnded, SessionRefreshed, SessionStarted, TokenMade, TokenRevoked

SESSIONS: Final = Table(
    name="sessions",
    columns=(
        Column("session_id", "uuid"),
        Column("user_id", "uuid"),
        Column("password_number", "integer"),
        Column("device", "text"),
        Column("started_at", "instant"),
        Column("refreshed_at", "instant"),
        Column("expires_at", "instant"),
    ),
    key=("session_id",),
    indexes=(Index(("user_id", "refreshed_at")),),
)

TOKENS: Final = Table(
    name="tokens",
    columns=(
        Column("token_id", "uuid"),
        Column("user_id", "uuid"),
        Column("name", "text"),
        Column("scopes", "set"),
        Column("sha256", "text"),
        Column("ending", "text"),
        Column("created_at", "instant"),
        Column("expires_at", "instant"),
    ),
    key=("token_id",),
    indexes=(Index(("sha256",)), Index(("user_id", "created_at"))),
)


def key_of(event: Event) -> Key | None:
    """The session's row that the event changes."""
    return (event.session_id,) if isinstance(event, SessionRefreshed) else None


def project(event: Event, rows: Rows) -> None:
    match event:
        case SessionStarted():
            rows.put(SESSIONS, _session_row(event))
        case SessionRefreshed():
            row = rows.get(SESSIONS, (event.session_id,))
            if row is not None:
                rows.put(SESSIONS, {**row, "refreshed_at": event.at})
        case SessionEnded():
            rows.delete(SESSIONS, (event.session_id,))
        case TokenMade():
            rows.put(TOKENS, _token_row(event))
        case TokenRevoked():
            rows.delete(TOKENS, (event.token_id,))
        case UserErasureBegun() | UserErased():
            rows.delete_where(SESSIONS, Compare("user_id", "=", event.user_id))
            rows.delete_where(TOKENS, Compare("user_id", "=", event.user_id))
        case _:
            pass


def _session_row(event: SessionStarted) -> Row:
    return {
        "session_id": event.session_id,
        "user_id": event.user_id,
        "password_number": event.password_number,
        "device": event.device,
        "started_at": event.at,
        "refreshed_at": event.at,
        "expires_at": event.expires_at,
    }


def _token_row(event: TokenMade) -> Row:
    return {
        "token_id": event.token_id,
        "user_id": event.user_id,
        "name": event.name,
        "scopes": frozenset(event.scopes),
        "sha256": event.sha256,
        "ending": event.ending,
        "created_at": event.at,
        "expires_at": event.expires_at,
    }
