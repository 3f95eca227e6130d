"""The OpenAPI document of the whole gateway: the routes of the contexts, and what has no signature."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from sigdep.gateway.endpoints import Endpoint
from sigdep.gateway.feed_endpoint import FeedEndpoint, FeedItem, FeedPage, FeedParameters
from sigdep.gateway.live.endpoints import LiveTicket, TicketEndpoint
from sigdep.gateway.pages import Page
from sigdep.http.openapi import OtherOperation, openapi_document, problem_responses, security_of
from sigdep.http.problems import MEDIA_TYPE
from sigdep.http.signatures import placeholders_of
from sigdep.http.typed import TypedEndpoint

TAG: Final = "server"


def gateway_document(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    others = [_page(endpoint) for endpoint in endpoints if isinstance(endpoint, Page) and endpoint.listed]
    others += [_feed(endpoint) for endpoint in endpoints if isinstance(endpoint, FeedEndpoint)]
    others += [_ticket(endpoint) for endpoint in endpoints if isinstance(endpoint, TicketEndpoint)]
    typed = [endpoint for endpoint in endpoints if isinstance(endpoint, TypedEndpoint)]
    return openapi_document(typed, version=version, others=others)


def _page(page: Page) -> OtherOperation:
    name = page.path.strip("/").partition("/{")[0].replace("/", "_").replace(".", "_") or "home"
    shown: dict[str, dict[str, Any]] = {content_type: {} for content_type in page.content_types}
    responses: dict[str, Any] = {
        str(status): {"description": HTTPStatus(status).phrase, "content": shown if status != 304 else {}}
        for status in page.statuses
    }
    if 404 in page.statuses:
        responses["404"]["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation: dict[str, Any] = {
        "operationId": f"show_{name}",
        "summary": page.summary,
        "tags": [TAG],
        "responses": {**problem_responses((400, 429)), **responses},
        "security": [],
    }
    if names := placeholders_of(page.path):
        schema = {"type": "string", "pattern": "^[a-z-]{1,40}$"}
        operation["parameters"] = [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]
    return OtherOperation(method=page.method, path=page.path, operation=operation)


def _ticket(endpoint: TicketEndpoint) -> OtherOperation:
    shown = {"application/json": {"schema": {"$ref": "#/components/schemas/LiveTicket"}}}
    empty = {"application/json": {"schema": {"type": "object", "additionalProperties": False}}}
    operation = {
        "operationId": "make_live_ticket",
        "summary": "A ticket for a WebSocket.",
        "description": "Open `/api/live?ticket=…` with it, once, within 30 seconds: pages in browsers cannot send "
        "`Authorization` with a WebSocket. What is said there stands in the reference of live.",
        "tags": ["feed"],
        "requestBody": {"required": False, "content": empty},
        "responses": {
            "201": {"description": "The ticket.", "content": shown},
            **problem_responses((400, 401, 403, 408, 413, 415, 422, 429, 503)),
        },
        "security": security_of(endpoint.scope),
    }
    return OtherOperation(method=endpoint.method, path=endpoint.path, operation=operation, types=(LiveTicket,))


def _feed(endpoint: FeedEndpoint) -> OtherOperation:
    last_seen = {
        "name": "Last-Event-ID",
        "in": "header",
        "required": False,
        "description": "The `id` of the last event seen; sent by browsers when they come back. Goes before `from`.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,512}$"},
    }
    page = {"schema": {"$ref": "#/components/schemas/FeedPage"}}
    stream = {"schema": {"type": "string", "description": "`id` is a position, `data` a FeedItem in JSON."}}
    headers = {"Sigdep-Position": {"$ref": "#/components/headers/Sigdep-Position"}}
    operation = {
        "operationId": "read_feed",
        "summary": "What happens in a workspace, in order.",
        "description": "The public events of the workspace as CloudEvents 1.0, by long poll (`wait`) or, with "
        "`Accept: text/event-stream`, as server-sent events. Each event carries the position to go on from: "
        "nothing is missed, and nothing comes twice. Whoever leaves the workspace loses the feed within a second.",
        "tags": ["feed"],
        "parameters": [last_seen],
        "responses": {
            "200": {
                "description": "What has happened.",
                "headers": headers,
                "content": {"application/json": page, "text/event-stream": stream},
            },
            **problem_responses((400, 401, 403, 404, 422, 429, 503)),
        },
        "security": security_of(endpoint.scope),
    }
    return OtherOperation(
        method=endpoint.method,
        path=endpoint.path,
        operation=operation,
        query=FeedParameters,
        types=(FeedItem, FeedPage),
    )
