"""`/oauth` and `/.well-known`: as OAuth 2.1 and its neighbours ask."""

from collections.abc import Sequence
from typing import Literal

from sigdep.http.routes import Body, Route
from sigdep.kernel.errors import Refused
from sigdep.rpc.call import Answer, Call, Service
from sigdep.users.api import shapes
from sigdep.users.commands import ExchangeRefreshToken, RevokeRefreshToken
from sigdep.users.credentials.signing import JsonWebKeySet
from sigdep.users.queries import GetPublicKeys, SessionTokens


class TokenRequest(Body, frozen=True, kw_only=True):
    """RFC 6749 §6."""

    grant_type: Literal["refresh_token"]
    refresh_token: shapes.Secret
    client_id: shapes.Secret | None = None


class RevocationRequest(Body, frozen=True, kw_only=True):
    """RFC 7009 §2.1."""

    token: shapes.Secret
    token_type_hint: shapes.Secret | None = None
    client_id: shapes.Secret | None = None


class OAuthHandlers:
    """From bodies to messages."""

    def __init__(self, write: Service, read: Service) -> None:
        self.write = write
        self.read = read

    async def exchange_token(self, call: Call, body: TokenRequest) -> Answer[SessionTokens]:
        """A refresh token is good once: the answer has the next one. Should an answer be lost, the same request gives
        the same tokens again within ten seconds. Later than that it ends the session, because the token has been stolen
        from somebody."""
        return await self.write.ask(ExchangeRefreshToken(refresh_token=body.refresh_token), call)

    async def revoke_token_family(self, call: Call, body: RevocationRequest) -> Answer[None]:
        """Ends the session that a refresh token belongs to. A token that we do not know is as good as revoked."""
        return await self.write.ask(RevokeRefreshToken(token=body.token), call)

    async def get_public_keys(self, call: Call) -> Answer[JsonWebKeySet]:
        """With these keys anybody can verify our access tokens (RFC 7517). Keep them for an hour at the most."""
        return await self.read.ask(GetPublicKeys(), call)


def oauth_routes(write: Service, read: Service) -> Sequence[Route]:
    handlers = OAuthHandlers(write, read)
    return (
        Route(
            method="POST",
            path="/oauth/token",
            handle=handlers.exchange_token,
            summary="Exchange a refresh token.",
            tag="oauth",
            scope=None,
            errors=(Refused,),
        ),
        Route(
            method="POST",
            path="/oauth/revoke",
            handle=handlers.revoke_token_family,
            summary="Revoke a refresh token.",
            tag="oauth",
            scope=None,
        ),
        Route(
            method="GET",
            path="/.well-known/jwks.json",
            handle=handlers.get_public_keys,
            summary="The keys that verify access tokens.",
            tag="oauth",
            scope=None,
        ),
    )
