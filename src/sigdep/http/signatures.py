"""What a handler's signature says: its body, its parameters, what it answers. Read once for each route."""

import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from re import compile as pattern
from types import NoneType, UnionType
from typing import Any, Final, Union

from sigdep.http.routes import Body, Parameters, Route
from sigdep.rpc.call import Answer, Call, Encoded

_PLACEHOLDER: Final = pattern(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Signature:
    path_types: Mapping[str, Any]
    """By name, in the order of the path."""
    body: type[Body] | None
    query: type[Parameters] | None
    answer: Any
    """The type of what is shown. None: nothing, 204."""
    may_be_encoded: bool


class UnfitHandler(TypeError):
    """A handler's signature does not say what a route needs to know. Found when the process starts."""


def signature_of(route: Route) -> Signature:
    """
    Raises:
        UnfitHandler: the handler does not fit its path, or leaves a type out.
    """
    hints = typing.get_type_hints(route.handle, include_extras=True)
    names = list(inspect.signature(route.handle).parameters)
    placeholders = placeholders_of(route.path)
    strays = [name for name in names if name not in ("call", "body", "query", *placeholders)]
    missing = [name for name in ("call", *placeholders) if name not in names]
    untyped = [name for name in (*names, "return") if name not in hints]
    if strays or missing or untyped or hints["call"] is not Call:
        raise UnfitHandler(
            f"{route.method} {route.path}: the handler needs (call: Call, <path parameters>, body, query) and types; "
            f"unknown: {strays}, missing: {missing}, without a type: {untyped}."
        )
    answer, may_be_encoded = _answer_of(route, hints["return"])
    return Signature(
        {name: hints[name] for name in placeholders}, hints.get("body"), hints.get("query"), answer, may_be_encoded
    )


def placeholders_of(path: str) -> list[str]:
    return _PLACEHOLDER.findall(path)


def _answer_of(route: Route, hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) is not Answer:
        raise UnfitHandler(f"{route.method} {route.path}: the handler must return Answer[…].")
    (shown,) = typing.get_args(hint)
    if typing.get_origin(shown) not in (Union, UnionType):
        return (None if shown in (None, NoneType) else shown), False
    parts = [part for part in typing.get_args(shown) if part is not Encoded]
    if len(parts) == len(typing.get_args(shown)):
        return shown, False
    return (parts[0] if len(parts) == 1 else Union[tuple(parts)]), True  # noqa: UP007 - made of values
