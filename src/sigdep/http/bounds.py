"""Refuses values that have the right type and make no sense: numbers no database holds, instants nobody means."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec import inspect as kinds

from sigdep.http.faults import FAULTS_MAX, escaped
from sigdep.kernel.errors import Fault

YEAR_MIN: Final = 1900
YEAR_MAX: Final = 2200
INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**63 - 1

_HARMLESS: Final = (kinds.StrType, kinds.BoolType, kinds.UUIDType, kinds.NoneType, kinds.FloatType, kinds.LiteralType,
                    kinds.EnumType, kinds.BytesType)  # fmt: skip

Bounds = Callable[[Any], list[Fault]]


def bounds_of(kind: Any) -> Bounds | None:
    """A check of values of the type. None: whatever has the type is fine."""
    if not _matters(kinds.type_info(kind), set()):
        return None

    def check(value: Any) -> list[Fault]:
        return list(islice(_faults(value, ""), FAULTS_MAX))

    return check


def _matters(info: kinds.Type, seen: set[type]) -> bool:
    match info:
        case kinds.UnionType():
            return any(_matters(part, seen) for part in info.types)
        case kinds.Metadata():
            return _matters(info.type, seen)
        case kinds.IntType():
            return info.ge is None or info.le is None
        case kinds.StructType():
            return info.cls not in seen and any(_matters(field.type, {*seen, info.cls}) for field in info.fields)
        case kinds.VarTupleType() | kinds.ListType() | kinds.SetType() | kinds.FrozenSetType():
            return _matters(info.item_type, seen)
        case kinds.DictType():
            return _matters(info.value_type, seen)
        case _:
            return not isinstance(info, _HARMLESS) and type(info).__name__ != "UnsetType"


_worth_checking: dict[type, tuple[tuple[str, str], ...]] = {}
"""Of each Struct, the fields (name, and name in JSON) that could be out of bounds."""


def _fields(kind: type[Struct]) -> tuple[tuple[str, str], ...]:
    found = _worth_checking.get(kind)
    if found is None:
        info = kinds.type_info(kind)
        assert isinstance(info, kinds.StructType)
        found = tuple((field.name, field.encode_name) for field in info.fields if _matters(field.type, set()))
        _worth_checking[kind] = found
    return found


def _faults(value: Any, pointer: str) -> Iterator[Fault]:
    kind = type(value)
    if kind is int:
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            yield Fault(pointer, "This number is too large: whole numbers have 64 bits.")
    elif kind is datetime or kind is date:
        if not YEAR_MIN <= value.year <= YEAR_MAX:
            yield Fault(pointer, f"The year must be between {YEAR_MIN} and {YEAR_MAX}.")
    elif kind is dict:
        for key, part in value.items():
            yield from _faults(part, f"{pointer}/{escaped(str(key))}")
    elif kind in (list, tuple, set, frozenset):
        for index, part in enumerate(value):
            yield from _faults(part, f"{pointer}/{index}")
    elif isinstance(value, Struct):
        for name, encoded in _fields(kind):
            part = getattr(value, name)
            if part is not None and part is not msgspec.UNSET:
                yield from _faults(part, f"{pointer}/{encoded}")
