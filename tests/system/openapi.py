"""The server's own description of itself, as tests walk it: every operation, and a request that it would take."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from re import compile as pattern
from typing import Any, Final

import httpx

JSON = dict[str, Any]

METHODS: Final = ("get", "post", "patch", "delete", "put")
EXAMPLES: Final[Mapping[str, str]] = {
    "date-time": "2026-11-22T09:30:00Z",
    "date": "2026-11-22",
    "email": "nobody@example.org",
    "duration": "PT15M",
    "uuid": "01930000-0000-7000-8000-000000000000",
    "uri": "https://example.org/",
}

DRAWN_LENGTH_MAX: Final = 60
PATTERN_LENGTH_MAX: Final = 40
PATIENCE: Final = "wait"
"""The parameter by which a client asks for an answer that takes long."""

TEXTS: Final[Mapping[str, str]] = {
    "email": "nobody@example.org",
    "password": "correct horse battery staple",
    "time_zone": "Europe/Berlin",
    "locale": "de",
    "color": "#33aa55",
    "scopes": "tasks:read",
    "start": "2026-12-01T09:00:00",
}
"""By the name of the field, where no format says it."""

_PLACEHOLDER: Final = pattern(r"\{(\w+)\}")


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    """With its placeholders."""
    body: JSON | None
    """The schema of its body, without references at the top. None: it takes none."""
    parameters: tuple[JSON, ...]
    open_to_all: bool
    """Nobody needs to sign in."""
    document: JSON
    media_type: str = "application/json"
    """Of its body."""

    @property
    def placeholders(self) -> list[str]:
        return _PLACEHOLDER.findall(self.path)

    def sent(self, body: object) -> dict[str, Any]:
        """A body as httpx takes it: of a kind that is no JSON an empty one of that kind."""
        if not self.writes:
            return {}
        if self.media_type == "application/json":
            return {"json": body}
        return {"content": b"", "headers": {"content-type": self.media_type}}

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    def at(self, things: Mapping[str, str]) -> str:
        """The path with the ids of things, by the names of the placeholders."""
        return _PLACEHOLDER.sub(lambda found: things[found[1]], self.path)

    def resolve(self, schema: JSON) -> JSON:
        """The schema that a reference leads to."""
        while "$ref" in schema:
            found: Any = self.document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        return schema

    def example_body(self, things: Mapping[str, str]) -> JSON:
        """A small valid body: what is required and nothing more, with ids of things where a field is called like one.

        Where nothing is required, one field that takes a text, so that there is something to do.
        """
        if self.body is None:
            return {}
        example = self.example(self.body, "", things)
        assert isinstance(example, dict)
        return example

    def example(self, schema: JSON, name: str, things: Mapping[str, str]) -> Any:
        schema = self.resolve(schema)
        if name in things or (name in TEXTS and "string" in schema.get("type", "")):
            return things.get(name) or TEXTS[name]
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                parts = [self.resolve(part) for part in schema[choice]]
                return self.example(next(part for part in parts if part.get("type") != "null"), name, things)
        return self._example_of_type(schema, things)

    def _example_of_type(self, schema: JSON, things: Mapping[str, str]) -> Any:
        kind = schema.get("type", "object")
        kind = next(one for one in kind if one != "null") if isinstance(kind, list) else kind
        match kind:
            case "object":
                properties = schema.get("properties", {})
                wanted = {name: properties[name] for name in schema.get("required", [])}
                return {name: self.example(part, name, things) for name, part in wanted.items()}
            case "array":
                least = schema.get("minItems", 0)
                return [self.example(schema.get("items", {}), "", things) for _ in range(least)]
            case "string":
                text = EXAMPLES.get(schema.get("format", ""), "example")
                return text if "format" in schema else text.ljust(schema.get("minLength", 0), "x")
            case "boolean":
                return True
            case "integer" | "number":
                return schema.get("minimum", 1)
            case _:
                return None


def operations(document: JSON) -> Iterator[Operation]:
    for path, place in document["paths"].items():
        for method in METHODS:
            if method in place:
                yield _operation(document, path, method, place)


def _operation(document: JSON, path: str, method: str, place: JSON) -> Operation:
    said = place[method]
    content = said.get("requestBody", {}).get("content", {})
    bare = Operation(method.upper(), path, None, (), False, document)
    schema = content.get("application/json", {}).get("schema")
    security = said.get("security", document.get("security", []))
    return Operation(
        method=method.upper(),
        path=path,
        body=None if schema is None else bare.resolve(schema),
        media_type="application/json" if schema is not None or not content else next(iter(content)),
        parameters=tuple(bare.resolve(one) for one in (*place.get("parameters", ()), *said.get("parameters", ()))),
        open_to_all=not security or {} in security,
        document=document,
    )


def read_document(url: str) -> JSON:
    answer = httpx.get(f"{url}/openapi.json", trust_env=False)
    answer.raise_for_status()
    document: JSON = answer.json()
    return document


def easily_drawn(document: JSON, things: Mapping[str, str]) -> JSON:
    """The document, with requests that a generator draws in milliseconds, and that often concern what exists.

    By a long regular expression a text takes it seconds. Nothing asks to wait. Answers are described as before.

    Args:
        things: ids by the names that placeholders and fields have.
    """
    copy: JSON = deepcopy(document)
    places = [place for path in copy["paths"].values() for place in path.values() if isinstance(place, dict)]
    answered = _referred_to(copy, [place.get("responses") for place in places])
    for name, schema in copy["components"]["schemas"].items():
        if name not in answered:
            _ease(schema, things)
    _ease(copy["components"].get("parameters"), things)
    for place in places:
        _ease([place.get("parameters"), place.get("requestBody")], things)
        if "parameters" in place:
            place["parameters"] = [one for one in place["parameters"] if one.get("name") != PATIENCE]
    return copy


def _referred_to(document: JSON, part: Any) -> set[str]:
    """Names of the schemas that the part needs, and of those that they need."""
    found: set[str] = set()
    waiting = [part]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            waiting += node.values()
            kind, _, name = str(node.get("$ref", "")).removeprefix("#/components/").partition("/")
            if name and name not in found:
                found.add(name)
                waiting.append(document["components"][kind][name])
    return found


def _ease(node: Any, things: Mapping[str, str]) -> None:
    if isinstance(node, list):
        for part in node:
            _ease(part, things)
    elif isinstance(node, dict):
        if "string" in node.get("type", ()) and (len(node.get("pattern", "")) > PATTERN_LENGTH_MAX):
            node["pattern"] = "^[ -~]*$"
            node["maxLength"] = min(node.get("maxLength", DRAWN_LENGTH_MAX), DRAWN_LENGTH_MAX)
        for part in node.values():
            _ease(part, things)
        for name in things.keys() & node.get("properties", {}).keys():
            node["properties"][name] = _known(things[name], node["properties"][name])
        if "in" in node and node.get("name") in things:
            node["schema"] = _known(things[node["name"]], node["schema"])


def _known(thing: str, schema: JSON) -> JSON:
    return {"anyOf": [{"type": "string", "enum": [thing]}, schema]}
