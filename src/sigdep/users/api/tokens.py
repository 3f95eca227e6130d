"""`/api/tokens`: personal access tokens."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from sigdep.http.routes import Body, Listing, Route
from sigdep.kernel.errors import Forbidden, NotFound, Refused
from sigdep.rpc.call import Answer, Call, Service
from sigdep.users.api import shapes
from sigdep.users.commands.requests import IssueToken, WithdrawToken
from sigdep.users.domain.token import SCOPES
from sigdep.users.events.people import TokenId
from sigdep.users.queries import ListTokens, NewToken, TokenView


class TokenWish(Body, frozen=True, kw_only=True):
    name: shapes.Name
    """What it is for."""
    scopes: Annotated[tuple[shapes.Scope, ...], Meta(min_length=1, max_length=len(SCOPES))]
    """What it may do."""
    expires_at: shapes.Instant | None = None
    """Left out: never."""
    id: TokenId | None = None
    """A UUIDv7 of your own. Left out: the server makes one."""


class TokenHandlers:
    """From bodies to messages."""

    def __init__(self, write: Service, read: Service) -> None:
        self.write = write
        self.read = read

    async def create_token(self, call: Call, body: TokenWish) -> Answer[NewToken]:
        """The secret, `token`, is in this answer and nowhere else. Send it as `Authorization: Bearer sigdep_…`."""
        message = IssueToken(name=body.name, scopes=body.scopes, expires_at=body.expires_at, token_id=body.id)
        return await self.write.ask(message, call)

    async def list_tokens(self, call: Call, query: shapes.PageParameters) -> Answer[Listing[TokenView]]:
        """The newest first. `last_used_at` is right to about a minute."""
        return shapes.listing(await self.read.ask(ListTokens(limit=query.limit, cursor=query.cursor), call))

    async def revoke_token(self, call: Call, token_id: TokenId) -> Answer[None]:
        """Within a second it is good for nothing."""
        return await self.write.ask(WithdrawToken(token_id=token_id), call)


def token_routes(write: Service, read: Service) -> Sequence[Route]:
    handlers = TokenHandlers(write, read)
    return (
        Route(
            method="POST",
            path="/api/tokens",
            handle=handlers.create_token,
            summary="Make a personal access token.",
            tag="tokens",
            scope="profile:write",
            errors=(Refused, Forbidden),
            secret=True,
        ),
        Route(
            method="GET",
            path="/api/tokens",
            handle=handlers.list_tokens,
            summary="Your personal access tokens, without their secrets.",
            tag="tokens",
            scope="profile:read",
        ),
        Route(
            method="DELETE",
            path="/api/tokens/{token_id}",
            handle=handlers.revoke_token,
            summary="Revoke a personal access token.",
            tag="tokens",
            scope="profile:write",
            errors=(NotFound,),
        ),
    )
