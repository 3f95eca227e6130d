"""Assembles the public edge: the routes of all contexts, the pages of the gateway, and the layers around them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp

from sigdep.gateway.addresses import Addresses
from sigdep.gateway.deadlines import Deadlines
from sigdep.gateway.edge import Edge, Observer, dispatch, nowhere
from sigdep.gateway.endpoints import Endpoint
from sigdep.gateway.identity import Identified
from sigdep.gateway.routing import RouteTable
from sigdep.gateway.security_headers import API_HEADERS
from sigdep.gateway.settings import GatewaySettings
from sigdep.http.identity import Identities
from sigdep.http.routes import Route
from sigdep.http.typed import TypedEndpoint

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]


def create_application(
    routes: Sequence[Route],
    *,
    identities: Identities,
    settings: GatewaySettings,
    observers: Sequence[Observer] = (),
    files: Sequence[BaseRoute] = (),
    lifespan: Lifespan | None = None,
) -> Edge:
    """The whole gateway as one ASGI application.

    Args:
        routes: of all contexts.
        files: Starlette routes for the paths that are in no table, and WebSockets.
        lifespan: what must be open while it serves.

    Raises:
        UnfitHandler: a handler does not fit its route.
        ValueError: two routes have the same name.
    """
    endpoints: list[Endpoint] = [*typed_endpoints(routes, settings.fingerprint_key)]
    app: ASGIApp = Deadlines(dispatch, settings.deadline_seconds)
    app = Identified(app, identities)
    return Edge(
        app,
        table=RouteTable(endpoints),
        elsewhere=Router(routes=files, lifespan=lifespan, default=nowhere, redirect_slashes=False),
        addresses=Addresses(settings.trusted_proxies),
        headers=API_HEADERS,
        observers=observers,
    )


def typed_endpoints(routes: Sequence[Route], fingerprint_key: bytes) -> list[TypedEndpoint]:
    readable = {route.path for route in routes if route.method == "GET"}
    things = {path.rpartition("/{")[0] for path in readable if path.endswith("}")}
    return [TypedEndpoint(route, fingerprint_key=fingerprint_key, location=route.path in things) for route in routes]
