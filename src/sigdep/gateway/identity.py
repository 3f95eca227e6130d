"""Who is asking: makes a principal of the bearer credential, and turns away whoever may not use the route."""

from functools import partial
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from sigdep.http.exchange import Exchange
from sigdep.http.identity import Identities
from sigdep.http.refusals import ScopeMissing
from sigdep.kernel.errors import Unauthenticated
from sigdep.rpc.call import Principal

BEARER_LENGTH_MAX: Final = 4_096


class Identified:
    """Routes that are open to everybody are served without a principal where the credential is none."""

    def __init__(self, app: ASGIApp, identities: Identities) -> None:
        self.app = app
        self.identities = identities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        needed: str | None = scope["endpoint"].scope
        authorization = exchange.headers.get(b"authorization")
        if authorization is not None:
            try:
                await self._identify(exchange, authorization)
            except Unauthenticated:
                if needed is not None:
                    raise
        principal = exchange.principal
        if needed is not None:
            if principal is None:
                raise Unauthenticated("Sign in first: send Authorization: Bearer with an access token or an API token.")
            if principal.scopes is not None and needed not in principal.scopes:
                raise ScopeMissing(needed)
        await self.app(scope, receive, send)

    async def _identify(self, exchange: Exchange, authorization: bytes) -> None:
        bearer = bearer_of(authorization)
        principal = await self.identities.principal(bearer)
        exchange.principal = principal
        exchange.bearer = bearer
        exchange.ask_again = partial(self._ask_again, bearer, principal)

    async def _ask_again(self, bearer: str, known: Principal) -> Principal | None:
        fresh = await self.identities.principal(bearer, fresh=True)
        return None if fresh.roles == known.roles else fresh


def bearer_of(authorization: bytes) -> str:
    """
    Raises:
        Unauthenticated: it is no bearer credential.
    """
    scheme, _, credential = authorization.decode("latin-1").partition(" ")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated("Authorization takes the form: Bearer <token>.")
    if len(credential) > BEARER_LENGTH_MAX or not credential.isascii() or not credential.isprintable():
        raise Unauthenticated("This token is none of ours.")
    return credential
