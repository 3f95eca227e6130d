"""Finds the endpoint of a path in as many steps as it has parts, however many routes there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sigdep.gateway.aliases import singular
from sigdep.gateway.endpoints import Endpoint

PARTS_MAX: Final = 12
"""A longer path is none of ours."""


@dataclass(slots=True)
class Place:
    """Where a path leads to."""

    template: str
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    """By method."""
    allowed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Node:
    named: dict[str, "_Node"] = field(default_factory=dict)
    any: "_Node | None" = None
    ending: dict[str, "_Node"] = field(default_factory=dict)
    """Parameters with an ending, as in `{calendar_id}.ics`: by the ending."""
    place: Place | None = None


Found = tuple[Place, Sequence[str]]
"""The place, and what stands in the path where the template has parameters."""


class RouteTable:
    """All endpoints of the gateway, below `/api/` by plural and singular names."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        """
        Raises:
            ValueError: two endpoints have the same method and path.
        """
        self._root = _Node()
        for endpoint in endpoints:
            self._add(endpoint)

    def _add(self, endpoint: Endpoint) -> None:
        node = self._root
        parts = endpoint.path.split("/")[1:]
        for part in parts:
            if part.startswith("{") and not part.endswith("}"):
                node = node.ending.setdefault(part.partition("}")[2], _Node())
                continue
            if part.startswith("{"):
                node.any = node = node.any or _Node()
                continue
            node_here, node = node, node.named.setdefault(part, _Node())
            alias = singular(part) if parts[0] == "api" else None
            if alias is not None:
                node_here.named.setdefault(alias, node)
        place = node.place = node.place or Place(endpoint.path)
        if endpoint.method in place.endpoints:
            raise ValueError(f"Two routes are called {endpoint.method} {endpoint.path}.")
        for method in (endpoint.method, "HEAD") if endpoint.method == "GET" else (endpoint.method,):
            place.endpoints[method] = endpoint
        place.allowed = sorted((*place.endpoints, "OPTIONS"))

    def find(self, path: str) -> Found | None:
        """Where the path leads to. A part that is named wins over a parameter."""
        parts = path.split("/")
        if len(parts) > PARTS_MAX:
            return None
        return _find(self._root, parts, 1, [])


def _find(node: _Node, parts: list[str], index: int, values: list[str]) -> Found | None:
    while index < len(parts):
        part = parts[index]
        index += 1
        named = node.named.get(part)
        if named is None:
            stem, dot, ending = part.rpartition(".")
            if stem and dot + ending in node.ending:
                values.append(stem)
                node = node.ending[dot + ending]
                continue
            if node.any is None or not part:
                return None
            values.append(part)
            node = node.any
        elif node.any is None:
            node = named
        else:
            return _find(named, parts, index, values) or _find(node.any, parts, index, [*values, part])
    return None if node.place is None else (node.place, values)
