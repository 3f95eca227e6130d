"""The AsyncAPI 3.0 document: every public event, and every message of `/api/live`, in their shapes."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.gateway.live.bounds import PATH as LIVE
from sigdep.gateway.live.messages import Ended, Present, Reached, Subscribe, Unsubscribe
from sigdep.http.problems import Problem
from sigdep.http.schemas import REF, Schema, Schemas
from sigdep.http.tickets import TICKET_LENGTH_MAX

Told = Mapping[str, type[Struct]]
"""What events hold in `data`, by their `type`."""

FEED: Final = "/api/feed"

INTRODUCTION: Final = """\
What SigDep tells by itself: the public events of every context as CloudEvents 1.0, pushed over a WebSocket
(`/api/live`) or read from the feed (`/api/feed`, by long poll or as server-sent events). Both tell the same, in
the same order and with the same positions; nothing is missed, and nothing comes twice.
"""

_ASKED: Final[Mapping[str, type[Struct]]] = {"subscribe": Subscribe, "unsubscribe": Unsubscribe}
_ANSWERED: Final[Mapping[str, type[Struct]]] = {
    "subscribed": Reached,
    "unsubscribed": Ended,
    "heartbeat": Reached,
    "present": Present,
    "error": Problem,
}
"""The field that a message of the server has, and what is in it."""

_SUMMARIES: Final = {
    "subscribe": "Tell me what happens in a workspace.",
    "unsubscribe": "Tell me no more of it.",
    "subscribed": "It begins, after this position.",
    "unsubscribed": "It has ended; `problem` says why, unless you asked for it.",
    "heartbeat": "Nothing for a while. Keep the position.",
    "present": "Who is subscribed there.",
    "error": "A message of yours was refused.",
    "event": "One event. Keep the position.",
}


def asyncapi_document(told: Told, version: str) -> dict[str, Any]:
    schemas = Schemas(_ASKED.values(), [CloudEvent, *_ANSWERED.values(), *told.values()])
    events = {name: _event(name, schemas.of(fact)) for name, fact in sorted(told.items())}
    messages = {name: _message(name, _with(name, schemas.of(kind))) for name, kind in {**_ASKED, **_ANSWERED}.items()}
    any_event: Schema = {"oneOf": [{"$ref": REF + name} for name in events]} if events else {"$ref": REF + "CloudEvent"}
    messages["event"] = _message("event", _with("event", any_event, position={"type": "string"}))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "SigDep",
            "version": version,
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {"live": _live(), "feed": _feed(events)},
        "operations": _operations(list(events)),
        "components": {
            "messages": messages | {name: _told(name) for name in events},
            "schemas": {**schemas.components, **events},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _event(name: str, fact: Schema) -> Schema:
    """An envelope that holds this fact and no other."""
    this = {"type": "object", "properties": {"type": {"const": name}, "data": fact}, "required": ["data"]}
    return {"allOf": [{"$ref": REF + "CloudEvent"}, this]}


def _with(name: str, schema: Schema, **others: Schema) -> Schema:
    """A message of the WebSocket: an object whose field says what it is."""
    properties = {**others, name: schema}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _message(name: str, payload: Schema) -> dict[str, Any]:
    return {"name": name, "summary": _SUMMARIES[name], "payload": payload}


def _told(name: str) -> dict[str, Any]:
    return {"name": name, "contentType": "application/cloudevents+json", "payload": {"$ref": REF + name}}


def _live() -> dict[str, Any]:
    query = {"type": "object", "properties": {"ticket": {"type": "string", "maxLength": TICKET_LENGTH_MAX}}}
    return {
        "address": LIVE,
        "title": "Live",
        "description": "A WebSocket. Come in with `Authorization: Bearer …`, or with a ticket that "
        "`POST /api/live/tickets` gave, once.",
        "messages": {name: _component(name) for name in (*_ASKED, *_ANSWERED, "event")},
        "bindings": {"ws": {"method": "GET", "query": query}},
    }


def _feed(events: Mapping[str, Schema]) -> dict[str, Any]:
    return {
        "address": FEED,
        "title": "Feed",
        "description": "The same events by HTTP: see `/openapi.json`. With `Accept: text/event-stream` each comes as "
        "the `event` of a server-sent event's data, beside its `position`.",
        "messages": {name: _component(name) for name in events},
        "bindings": {"http": {}},
    }


def _operations(events: list[str]) -> dict[str, Any]:
    def operation(action: str, channel: str, names: list[str], summary: str) -> dict[str, Any]:
        return {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "summary": summary,
            "security": [{"$ref": "#/components/securitySchemes/bearer"}],
            "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
        }

    return {
        "say": operation("receive", "live", [*_ASKED], "What a client says."),
        "tell": operation("send", "live", [*_ANSWERED, "event"], "What a client is told."),
        "show": operation("send", "feed", events, "What whoever reads the feed is told."),
    }


def _component(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{name}"}
