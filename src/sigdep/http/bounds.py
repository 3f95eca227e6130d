"""Refuses values that have the right type and make no sense: numbers no database holds, instants nobody means."""

from collections.abc import Callable
from datetime import date, datetime
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

_COLLECTIONS: Final = frozenset((list, tuple, set, frozenset))

Bounds = Callable[[Any], list[Fault]]


def bounds_of(kind: Any) -> Bounds | None:
    """A check of values of the type. None: whatever has the type is fine."""
    if not _matters(kinds.type_info(kind), set()):
        return None

    def check(value: Any) -> list[Fault]:
        faults: list[Fault] = []
        _walk(value, "", faults)
        return faults

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
        case kinds.CollectionType():
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


def _walk(value: Any, pointer: str, faults: list[Fault]) -> None:
    """Adds what is wrong with a value and its parts. Plain calls and no generators: it may meet a million of them."""
    kind = type(value)
    if kind is str or len(faults) >= FAULTS_MAX:
        return
    if kind is int:
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            faults.append(Fault(pointer, "This number is too large: whole numbers have 64 bits."))
    elif kind is datetime or kind is date:
        if not YEAR_MIN <= value.year <= YEAR_MAX:
            faults.append(Fault(pointer, f"The year must be between {YEAR_MIN} and {YEAR_MAX}."))
    elif kind is dict:
        for key, part in value.items():
            _walk(part, f"{pointer}/{escaped(str(key))}", faults)
    elif kind in _COLLECTIONS:
        for index, part in enumerate(value):
            _walk(part, f"{pointer}/{index}", faults)
    elif isinstance(value, Struct):
        for name, encoded in _fields(kind):
            part = getattr(value, name)
            if part is not None and part is not msgspec.UNSET:
                _walk(part, f"{pointer}/{encoded}", faults)
