"""`/oauth` and `/.well-known`: as OAuth 2.1 and its neighbours ask."""

from collections.abc import Sequence

from msgspec import Struct

from sigdep.http.forms import Form
from sigdep.http.refusals import OAuthRefused
from sigdep.http.routes import Route
from sigdep.rpc.call import Answer, Call, Service
from sigdep.users.api import shapes
from sigdep.users.commands.requests import ExchangeRefreshToken, RevokeRefreshToken
from sigdep.users.credentials.signing import JsonWebKeySet
from sigdep.users.queries import GetPublicKeys, SessionTokens
from sigdep.users.service.sessions import InvalidGrant


class TokenRequest(Form, frozen=True, kw_only=True):
    """RFC 6749 §6."""

    grant_type: shapes.Secret
    """`refresh_token`."""
    refresh_token: shapes.Secret | None = None
    client_id: shapes.Secret | None = None


class RevocationRequest(Form, frozen=True, kw_only=True):
    """RFC 7009 §2.1."""

    token: shapes.Secret
    token_type_hint: shapes.Secret | None = None
    client_id: shapes.Secret | None = None


class Revoked(Struct, frozen=True):
    """Nothing: the standard asks for 200 and not for 204 (RFC 7009 §2.2)."""


class OAuthHandlers:
    """From bodies to messages."""

    def __init__(self, write: Service, read: Service) -> None:
        self.write = write
        self.read = read

    async def exchange_token(self, call: Call, body: TokenRequest) -> Answer[SessionTokens]:
        """A refresh token is good once: the answer has the next one. Should an answer be lost, the same request gives
        the same tokens again within ten seconds. Later than that it ends the session, because the token has been stolen
        from somebody."""
        if body.grant_type != "refresh_token":
            raise OAuthRefused("unsupported_grant_type", "This server knows the grant_type refresh_token.")
        if body.refresh_token is None:
            raise OAuthRefused("invalid_request", "refresh_token is required.")
        try:
            return await self.write.ask(ExchangeRefreshToken(refresh_token=body.refresh_token), call)
        except InvalidGrant as error:
            raise OAuthRefused("invalid_grant", error.detail) from error

    async def revoke_token_family(self, call: Call, body: RevocationRequest) -> Answer[Revoked]:
        """Ends the session that a refresh token belongs to. A token that we do not know is as good as revoked."""
        answer = await self.write.ask(RevokeRefreshToken(token=body.token), call)
        return Answer(value=Revoked(), position=answer.position)

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
            secret=True,
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
