"""The JSON Schemas of the OpenAPI document: msgspec's own, with what else the edge asks of a request."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, get_origin

import msgspec
from msgspec import Struct
from msgspec import inspect as kinds

from sigdep.http.bounds import INTEGER_MAX, INTEGER_MIN
from sigdep.http.field_docs import field_docs

REF: Final = "#/components/schemas/"
TEXT_PATTERN: Final = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u0084\\u0086-\\u009f]*$"
"""Any text without control characters."""

Schema = dict[str, Any]


class Schemas:
    """The schemas of the types that a document speaks of, each type once."""

    def __init__(self, asked: Iterable[Any], answered: Iterable[Any]) -> None:
        """
        Args:
            asked: what requests hold: it is told which texts and numbers are refused.
            answered: what answers hold.
        """
        asked, answered = list(asked), list(answered)
        everything = [*asked, *answered]
        schemas, components = msgspec.json.schema_components(everything, ref_template=REF + "{name}")
        self._by_type = {repr(kind): schema for kind, schema in zip(everything, schemas, strict=True)}
        self.components: dict[str, Schema] = {name: components[name] for name in sorted(components)}
        self._describe(everything)
        for schema in self._reachable([self._by_type[repr(kind)] for kind in asked]):
            _restrict(schema)

    def of(self, kind: Any) -> Schema:
        return self._by_type[repr(kind)]

    def properties(self, kind: type[Struct]) -> tuple[Mapping[str, Schema], set[str]]:
        """The fields of a Struct, and which of them are required."""
        component = self.components[self.of(kind)["$ref"].removeprefix(REF)]
        return component["properties"], set(component.get("required", ()))

    def _describe(self, types: list[Any]) -> None:
        for struct in _structs(types):
            docs = field_docs(struct)
            for name, component in self.components.items():
                if name == struct.__name__ or name.startswith(f"{struct.__name__}_"):  # `Listing[Task]`: Listing_Task_
                    _describe_fields(component.get("properties", {}), docs)

    def _reachable(self, roots: list[Schema]) -> list[Schema]:
        """Every schema that the roots lead to, by reference or by nesting, once."""
        found: list[Schema] = []
        names: set[str] = set()
        waiting = list(roots)
        while waiting:
            schema = waiting.pop()
            found.append(schema)
            waiting += _nested(schema)
            name = schema.get("$ref", "").removeprefix(REF)
            if name and name not in names:
                names.add(name)
                waiting.append(self.components[name])
        return found


def _describe_fields(properties: Mapping[str, Schema], docs: Mapping[str, str]) -> None:
    for name, text in docs.items():
        if name in properties:
            properties[name].setdefault("description", text)


def _nested(schema: Schema) -> Iterator[Schema]:
    yield from schema.get("properties", {}).values()
    yield from schema.get("anyOf", ())
    yield from schema.get("prefixItems", ())
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield schema[key]


def _restrict(schema: Schema) -> None:
    if schema.get("type") == "string" and not {"format", "pattern", "enum"} & schema.keys():
        schema["pattern"] = TEXT_PATTERN
    elif schema.get("type") == "integer":
        schema.setdefault("minimum", INTEGER_MIN)
        schema.setdefault("maximum", INTEGER_MAX)


def _structs(types: Iterable[Any]) -> list[type[Struct]]:
    found: dict[type[Struct], None] = {}
    waiting: list[kinds.Type] = list(kinds.multi_type_info(types))
    while waiting:
        match waiting.pop():
            case kinds.StructType(cls=kind, fields=fields):
                struct = get_origin(kind) or kind
                if struct not in found:
                    found[struct] = None
                    waiting += [field.type for field in fields]
            case kinds.UnionType(types=parts):
                waiting += parts
            case kinds.Metadata(type=inner):
                waiting.append(inner)
            case kinds.CollectionType(item_type=item):
                waiting.append(item)
            case kinds.DictType(value_type=value):
                waiting.append(value)
            case _:
                pass
    return list(found)
