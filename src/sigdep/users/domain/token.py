"""A personal access token: what it may do, and until when."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from msgspec.structs import replace

from sigdep.contracts.ids import UserId
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Invalid, NotFound, Refused
from sigdep.kernel.messages import State
from sigdep.users.commands.sessions import MakeToken, RevokeToken, TokenCommand
from sigdep.users.events.people import TokenId
from sigdep.users.events.sessions import TokenEvent, TokenMade, TokenRevoked

SCOPES: Final = (
    "calendar:read",
    "calendar:write",
    "feed:read",
    "notifications:read",
    "notifications:write",
    "profile:read",
    "profile:write",
    "tasks:read",
    "tasks:write",
    "webhooks:read",
    "webhooks:write",
    "workspaces:read",
    "workspaces:write",
)

_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Token(State):
    status: Literal["absent", "good", "revoked"] = "absent"
    id: TokenId = TokenId(_NOBODY)
    user_id: UserId = UserId(_NOBODY)
    name: str = ""
    scopes: tuple[str, ...] = ()
    ending: str = ""
    expires_at: datetime | None = None
    created_at: datetime = _NEVER


def decide(command: TokenCommand, token: Token) -> Sequence[TokenEvent]:
    match command:
        case MakeToken():
            return _make(command, token)
        case RevokeToken():
            if token.status == "absent" or token.user_id != command.user_id:
                raise NotFound("You have no such token.")
            if token.status == "revoked":
                return []
            return [TokenRevoked(token_id=command.token_id, user_id=command.user_id, at=command.at)]


def _make(command: MakeToken, token: Token) -> Sequence[TokenEvent]:
    if token.status != "absent":
        raise Refused("A token with this id exists.")
    if command.expires_at is not None and command.expires_at <= command.at:
        raise Invalid.at("/expires_at", "A token must expire in the future.")
    return [
        TokenMade(
            token_id=command.token_id,
            user_id=command.user_id,
            name=command.name,
            scopes=command.scopes,
            sha256=command.sha256,
            ending=command.ending,
            expires_at=command.expires_at,
            at=command.at,
        )
    ]


def evolve(token: Token, event: TokenEvent) -> Token:
    match event:
        case TokenMade():
            return Token(
                status="good",
                id=event.token_id,
                user_id=event.user_id,
                name=event.name,
                scopes=event.scopes,
                ending=event.ending,
                expires_at=event.expires_at,
                created_at=event.at,
            )
        case TokenRevoked():
            return replace(token, status="revoked")


token: Final = Decider(category="token", initial=Token(), decide=decide, evolve=evolve, schema="token-1")
