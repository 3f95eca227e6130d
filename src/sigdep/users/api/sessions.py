"""`/api/sessions`: signing in and out."""

from collections.abc import Sequence

from sigdep.http.routes import Body, Listing, Route
from sigdep.kernel.errors import NotFound, Refused, TooMany, Unauthenticated
from sigdep.rpc.call import Answer, Call, Service
from sigdep.users.api import shapes
from sigdep.users.commands.requests import SignIn, SignOut
from sigdep.users.events.people import SessionId
from sigdep.users.queries import ListSessions, SessionTokens, SessionView


class NewSession(Body, frozen=True, kw_only=True):
    email: shapes.Email
    password: shapes.Password
    device: shapes.Device | None = None
    """What you call this device, to recognise the session by."""


class SessionHandlers:
    """From bodies to messages."""

    def __init__(self, write: Service, read: Service) -> None:
        self.write = write
        self.read = read

    async def create_session(self, call: Call, body: NewSession) -> Answer[SessionTokens]:
        """Send `Authorization: Bearer <access_token>` from then on, and exchange the refresh token at
        `POST /oauth/token` before the access token expires."""
        return await self.write.ask(SignIn(email=body.email, password=body.password, device=body.device), call)

    async def list_sessions(self, call: Call, query: shapes.PageParameters) -> Answer[Listing[SessionView]]:
        """The sessions that are good, the one used last first."""
        return shapes.listing(await self.read.ask(ListSessions(limit=query.limit, cursor=query.cursor), call))

    async def end_current_session(self, call: Call) -> Answer[None]:
        """The access token is good for nothing within a second, the refresh token at once."""
        return await self.write.ask(SignOut(), call)

    async def end_session(self, call: Call, session_id: SessionId) -> Answer[None]:
        """One of your own, as on a device that you have lost."""
        return await self.write.ask(SignOut(session_id=session_id), call)


def session_routes(write: Service, read: Service) -> Sequence[Route]:
    handlers = SessionHandlers(write, read)
    return (
        Route(
            method="POST",
            path="/api/sessions",
            handle=handlers.create_session,
            summary="Sign in.",
            tag="sessions",
            scope=None,
            errors=(Unauthenticated, TooMany),
            secret=True,
        ),
        Route(
            method="GET",
            path="/api/sessions",
            handle=handlers.list_sessions,
            summary="Where you are signed in.",
            tag="sessions",
            scope="profile:read",
        ),
        Route(
            method="DELETE",
            path="/api/sessions/current",
            handle=handlers.end_current_session,
            summary="Sign out.",
            tag="sessions",
            scope="profile:write",
            errors=(Refused,),
        ),
        Route(
            method="DELETE",
            path="/api/sessions/{session_id}",
            handle=handlers.end_session,
            summary="Sign out elsewhere.",
            tag="sessions",
            scope="profile:write",
            errors=(NotFound,),
        ),
    )
