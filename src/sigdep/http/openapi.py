"""The OpenAPI 3.1 document, made from the route table: what is not in a route's signature is not in it."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from sigdep.http.files import File, FileBody
from sigdep.http.forms import FORM, MULTIPART, AnyForm, Form
from sigdep.http.openapi_parts import HEADERS, INTRODUCTION, PARAMETERS, SECURITY_SCHEMES
from sigdep.http.parameters import WriteParameters
from sigdep.http.problems import KINDS, MEDIA_TYPE, OAuthProblem, Problem, kind_of
from sigdep.http.routes import Body, Parameters
from sigdep.http.schemas import Schema, Schemas
from sigdep.http.typed import TypedEndpoint
from sigdep.kernel.errors import SigdepError

Operation = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class OtherOperation:
    """What is to be said of an endpoint that has no signature to say it."""

    method: str
    path: str
    operation: Operation
    query: type[Parameters] | None = None
    types: Sequence[Any] = ()
    """What it refers to by `#/components/schemas/`."""


ALWAYS: Final = (400, 422, 429, 503)
IDENTIFIED: Final = (401, 403, 404)
WRITING: Final = (408, 409, 412, 413, 415)


def openapi_document(
    endpoints: Sequence[TypedEndpoint],
    *,
    version: str,
    others: Sequence["OtherOperation"] = (),
) -> dict[str, Any]:
    """
    Args:
        others: operations that are no typed endpoints.
    """
    asked = [kind for endpoint in endpoints for kind in _asked(endpoint)]
    answered = [kind for endpoint in endpoints if (kind := endpoint.signature.answer) not in (None, File)]
    asked += [other.query for other in others if other.query is not None]
    answered += [kind for other in others for kind in other.types]
    answered += [OAuthProblem] * any(_is_form(endpoint) for endpoint in endpoints)
    schemas = Schemas([Body, WriteParameters, *asked], [Problem, *answered])
    paths: dict[str, dict[str, Operation]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    for other in others:
        queries = [] if other.query is None else _query_parameters(other.query, schemas)
        parameters = [*other.operation.get("parameters", ()), *queries]
        operation = {**other.operation, "parameters": parameters} if parameters else other.operation
        paths.setdefault(other.path, {})[other.method.lower()] = operation
    tags = sorted({tag for place in paths.values() for operation in place.values() for tag in operation["tags"]})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SigDep",
            "version": version,
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": {_response_name(status): _problem(status) for status in _statuses()},
            "headers": HEADERS,
            "parameters": PARAMETERS,
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def problem_responses(statuses: Iterable[int]) -> dict[str, Any]:
    """References to the problems of an operation, by status."""
    return {str(status): {"$ref": f"#/components/responses/{_response_name(status)}"} for status in sorted(statuses)}


def security_of(scope: str | None) -> list[dict[str, list[str]]]:
    return [] if scope is None else [{"bearer": [scope]}]


def _operation(endpoint: TypedEndpoint, schemas: Schemas) -> Operation:
    route = endpoint.route
    operation: Operation = {
        "operationId": getattr(route.handle, "__name__", ""),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": _parameters(endpoint, schemas),
        "responses": {**_successes(endpoint, schemas), **problem_responses(_failures(endpoint))},
        "security": security_of(route.scope),
    }
    if description := inspect.getdoc(route.handle):
        operation["description"] = description
    if _is_file(endpoint.signature.body):
        text = {endpoint.signature.body.media_type: {"schema": {"type": "string"}}}
        operation["requestBody"] = {"required": True, "content": text}
    elif endpoint.body is not None and route.method != "DELETE":
        schema = {"schema": schemas.of(endpoint.signature.body or Body)}
        operation["requestBody"] = {"required": endpoint.body.required, "content": {"application/json": schema}}
        if endpoint.signature.body is not None and issubclass(endpoint.signature.body, AnyForm):
            operation["requestBody"] = {"required": False, "content": {MULTIPART: schema, FORM: schema}}
        if _is_form(endpoint):
            operation["requestBody"]["content"] = {FORM: schema, "application/json": schema}
            operation["responses"]["400"] = _oauth_refusal(schemas)
    return operation


def _is_form(endpoint: TypedEndpoint) -> bool:
    return endpoint.signature.body is not None and issubclass(endpoint.signature.body, Form)


def _oauth_refusal(schemas: Schemas) -> dict[str, Any]:
    return {
        "description": "Refused, as OAuth says it (RFC 6749 §5.2).",
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
        "content": {"application/json": {"schema": schemas.of(OAuthProblem)}},
    }


def _asked(endpoint: TypedEndpoint) -> list[Any]:
    signature = endpoint.signature
    body = None if _is_file(signature.body) else signature.body
    return [kind for kind in (body, signature.query, *signature.path_types.values()) if kind is not None]


def _is_file(body: type[Body] | None) -> TypeGuard[type[FileBody]]:
    return body is not None and issubclass(body, FileBody)


def _parameters(endpoint: TypedEndpoint, schemas: Schemas) -> list[dict[str, Any]]:
    signature = endpoint.signature
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": schemas.of(kind)}
        for name, kind in signature.path_types.items()
    ]
    for query in ([signature.query] if signature.query is not None else []) + [WriteParameters] * endpoint.writes:
        parameters += _query_parameters(query, schemas)
    names = ["IdempotencyKey"] if endpoint.writes else ["IfNoneMatch", "MinPosition"]
    if endpoint.writes and signature.path_types:
        names.append("IfMatch")
    return [*parameters, *({"$ref": f"#/components/parameters/{name}"} for name in names)]


def _query_parameters(query: type[Parameters], schemas: Schemas) -> list[dict[str, Any]]:
    properties, required = schemas.properties(query)
    return [_query_parameter(name, schema, name in required) for name, schema in properties.items()]


def _query_parameter(name: str, schema: Schema, required: bool) -> dict[str, Any]:
    bare = {key: value for key, value in schema.items() if key != "description"}
    parameter = {"name": name, "in": "query", "required": required, "schema": bare}
    if "description" in schema:
        parameter["description"] = schema["description"]
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter


def _successes(endpoint: TypedEndpoint, schemas: Schemas) -> dict[str, Any]:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", "Sigdep-Position", "ETag")}
    answer = endpoint.signature.answer
    if answer is None:
        return {"204": {"description": "Done.", "headers": headers}}
    shown = {"application/json": {"schema": {} if answer is File else schemas.of(answer)}}
    if answer is File:
        shown = {endpoint.route.media_type or "application/octet-stream": {"schema": {"type": "string"}}}
    done = {
        "description": "The thing asked for." if not endpoint.writes else "The new state of what was written.",
        "headers": headers,
        "content": shown,
    }
    if not endpoint.writes:
        return {"200": done, "304": {"description": "You have it already.", "headers": headers}}
    if endpoint.method != "POST":
        return {"200": done}
    location = {"Location": {"$ref": "#/components/headers/Location"}}
    return {"200": done, "201": {**done, "description": "Created.", "headers": {**headers, **location}}}


def _failures(endpoint: TypedEndpoint) -> set[int]:
    statuses = {*ALWAYS, *(kind_of(error).status for error in endpoint.route.errors)}
    if endpoint.scope is not None:
        statuses |= {*IDENTIFIED}
    if endpoint.signature.path_types:
        statuses.add(404)
    if endpoint.writes:
        statuses |= {*WRITING}
    return statuses


def _statuses() -> list[int]:
    return sorted({kind.status for kind in KINDS if issubclass(kind.error, SigdepError)})


def _response_name(status: int) -> str:
    return f"Problem{status}"


def _problem(status: int) -> Mapping[str, Any]:
    kinds = [kind for kind in KINDS if kind.status == status]
    lines = [f"`{kind.type}`: {kind.title}. {kind.meaning}" for kind in {kind.name: kind for kind in kinds}.values()]
    headers = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    if status in (429, 503):
        headers["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
    return {
        "description": "\n\n".join(lines),
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
