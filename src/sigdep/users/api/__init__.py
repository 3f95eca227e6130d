"""The routes of this context: who you are, and with whom you work."""

from collections.abc import Sequence

from sigdep.http.routes import Route
from sigdep.rpc.call import Service
from sigdep.users.api.accounts import account_routes
from sigdep.users.api.oauth import oauth_routes
from sigdep.users.api.sessions import session_routes
from sigdep.users.api.tokens import token_routes
from sigdep.users.api.workspaces import workspace_routes


def routes(write: Service, read: Service) -> Sequence[Route]:
    return (
        *account_routes(write, read),
        *session_routes(write, read),
        *oauth_routes(write, read),
        *token_routes(write, read),
        *workspace_routes(write, read),
    )
