"""Any value that a message's fields may hold, made from their types."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from hypothesis import strategies as st
from msgspec import NODEFAULT, UNSET, Struct, UnsetType
from msgspec.structs import fields

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-8))])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
SINGLE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    bytes: st.binary(max_size=20),
    UUID: st.uuids(),
    datetime: st.datetimes(timezones=ZONES),
    date: st.dates(),
    Any: JSON,
    NoneType: st.none(),
    UnsetType: st.just(UNSET),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    while hasattr(kind, "__supertype__"):
        kind = kind.__supertype__
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return values(arguments[0])
    if origin in (Union, UnionType):
        return st.one_of([values(argument) for argument in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (tuple, list, frozenset, Sequence):
        made = list if origin is list else (frozenset if origin is frozenset else tuple)
        return st.lists(values(arguments[0]), max_size=3).map(made)
    if origin in (dict, Mapping):
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    if isinstance(kind, type) and issubclass(kind, Struct):
        return structs(kind)
    return SINGLE[kind]


def structs(kind: type[Struct]) -> st.SearchStrategy[Any]:
    """Whatever may be left out is left out now and then."""
    needed: dict[str, st.SearchStrategy[Any]] = {}
    others: dict[str, st.SearchStrategy[Any]] = {}
    for field in fields(kind):
        optional = field.default is not NODEFAULT or field.default_factory is not NODEFAULT
        (others if optional else needed)[field.name] = values(field.type)
    return st.fixed_dictionaries(needed, optional=others).map(lambda arguments: kind(**arguments))
