"""Assembles the public edge: the routes of all contexts, the pages of the gateway, and the layers around them."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, TextIO

from starlette.routing import BaseRoute, Router, WebSocketRoute
from starlette.types import ASGIApp

from sigdep.gateway.addresses import Addresses
from sigdep.gateway.asyncapi import Told, asyncapi_document
from sigdep.gateway.cors import CrossOrigin
from sigdep.gateway.deadlines import Deadlines
from sigdep.gateway.docs import docs_pages
from sigdep.gateway.document import gateway_document
from sigdep.gateway.edge import Edge, Observer, dispatch, nowhere
from sigdep.gateway.endpoints import Endpoint
from sigdep.gateway.feed import Feed
from sigdep.gateway.feed_endpoint import FeedEndpoint
from sigdep.gateway.gcra import LocalLimiters
from sigdep.gateway.health import Check, health_pages
from sigdep.gateway.identity import Identified
from sigdep.gateway.limits import AddressLimits, UserLimits
from sigdep.gateway.live.bounds import PATH as LIVE
from sigdep.gateway.live.door import LiveDoor
from sigdep.gateway.live.endpoints import LiveEndpoint, TicketEndpoint
from sigdep.gateway.live.hub import Hub
from sigdep.gateway.live.tickets import MemoryTickets
from sigdep.gateway.metrics import Metrics
from sigdep.gateway.request_log import RequestLog
from sigdep.gateway.request_spans import RequestSpans
from sigdep.gateway.routing import RouteTable
from sigdep.gateway.security_headers import API_HEADERS, TRANSPORT_SECURITY
from sigdep.gateway.settings import GatewaySettings
from sigdep.gateway.site import site_pages
from sigdep.http.identity import Identities
from sigdep.http.limiting import Limiters
from sigdep.http.routes import Route
from sigdep.http.tickets import Tickets
from sigdep.http.typed import TypedEndpoint
from sigdep.telemetry.sampling import Sampler
from sigdep.telemetry.spans import Spans

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]


def create_application(
    routes: Sequence[Route],
    *,
    identities: Identities,
    settings: GatewaySettings,
    feed: Feed | None = None,
    told: Told = MappingProxyType({}),
    live: Hub | None = None,
    tickets: Tickets | None = None,
    limiters: Limiters | None = None,
    checks: Mapping[str, Check] | None = None,
    metrics: Metrics | None = None,
    spans: Spans | None = None,
    log_stream: TextIO | None = None,
    files: Sequence[BaseRoute] = (),
    lifespan: Lifespan | None = None,
) -> Edge:
    """The whole gateway as one ASGI application.

    Args:
        routes: of all contexts.
        told: the shapes of what the feed shows.
        checks: of the parts of this process, by name, for `/health/ready`.
        live: who listens at `/api/live`. None: nobody can.
        tickets: that open a WebSocket. None: those of this gateway alone.
        limiters: how callers are counted. None: by this gateway alone.
        metrics: counted here, and shown at `/metrics`.
        spans: where those of requests go. None: requests are not traced here.
        log_stream: where a line for each request goes. None: stderr.
        files: Starlette routes for the paths that are in no table, and WebSockets.
        lifespan: what must be open while it serves.

    Raises:
        UnfitHandler: a handler does not fit its route.
        ValueError: two routes have the same name.
    """
    endpoints: list[Endpoint] = [*typed_endpoints(routes, settings.fingerprint_key)]
    if feed is not None:
        endpoints.append(FeedEndpoint(feed, identities))
    inner = layers(settings, identities, LocalLimiters() if limiters is None else limiters)
    addresses = Addresses(settings.trusted_proxies)
    if live is not None:
        tickets = MemoryTickets() if tickets is None else tickets
        endpoints.append(TicketEndpoint(tickets))
        door = LiveDoor(LiveEndpoint(live), inner, tickets=tickets, addresses=addresses, settings=settings)
        files = [*files, WebSocketRoute(LIVE, door)]
    endpoints += [*health_pages(checks or {}), *site_pages(metrics)]
    release = version("sigdep")
    endpoints += docs_pages(partial(gateway_document, endpoints, release), partial(asyncapi_document, told, release))
    observers: list[Observer] = [] if metrics is None else [metrics]
    if settings.log_requests:
        observers.append(RequestLog(sys.stderr if log_stream is None else log_stream))
    if spans is not None:
        patient = [endpoint.path for endpoint in endpoints if not endpoint.deadline]
        observers.append(RequestSpans(spans, https=settings.https, patient=patient))
    return Edge(
        inner,
        table=RouteTable(endpoints),
        elsewhere=Router(routes=files, lifespan=lifespan, default=nowhere, redirect_slashes=False),
        addresses=addresses,
        headers=(*API_HEADERS, TRANSPORT_SECURITY) if settings.https else API_HEADERS,
        observers=observers,
        sampler=Sampler(None if spans is None else settings.trace_ratio),
    )


def layers(settings: GatewaySettings, identities: Identities, limiters: Limiters) -> ASGIApp:
    """What a request passes on its way to its endpoint, the innermost first."""
    app: ASGIApp = Deadlines(dispatch, settings.deadline_seconds)
    if settings.limits is not None:
        app = UserLimits(app, settings.limits, limiters)
    app = Identified(app, identities)
    if settings.limits is not None:
        app = AddressLimits(app, settings.limits, limiters)
    if settings.allowed_origins:
        app = CrossOrigin(app, settings.allowed_origins)
    return app


def typed_endpoints(routes: Sequence[Route], fingerprint_key: bytes) -> list[TypedEndpoint]:
    readable = {route.path for route in routes if route.method == "GET"}
    things = {path.rpartition("/{")[0] for path in readable if path.endswith("}")}
    return [TypedEndpoint(route, fingerprint_key=fingerprint_key, location=route.path in things) for route in routes]
