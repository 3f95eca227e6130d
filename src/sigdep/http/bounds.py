"""Refuses values that have the right type and make no sense: numbers no database holds, instants nobody means."""

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Any, Final

from msgspec import UNSET
from msgspec import inspect as kinds

from sigdep.http.faults import FAULTS_MAX, escaped
from sigdep.kernel.errors import Fault

YEAR_MIN: Final = 1900
YEAR_MAX: Final = 2200
INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**63 - 1
INTEGER_DIGITS_MIN: Final = 19
"""A whole number with fewer digits is in bounds."""

Bounds = Callable[[Any], list[Fault]]
Fields = tuple[tuple[str, str], ...]
"""Of a Struct, those worth looking at: name, and name in JSON."""

_COLLECTIONS: Final = frozenset((list, tuple, set, frozenset))
_HARMLESS: Final = (kinds.StrType, kinds.BoolType, kinds.UUIDType, kinds.NoneType, kinds.FloatType, kinds.LiteralType,
                    kinds.EnumType, kinds.BytesType)  # fmt: skip


def bounds_of(kind: Any, *, numbers: bool) -> Bounds | None:
    """A check of values of the type. None: whatever has the type is fine.

    Args:
        numbers: look at whole numbers too, and so into content of any shape. Where a text holds no number of
            INTEGER_DIGITS_MIN digits there is no need to.
    """
    fields: dict[type, Fields] = {}
    matters = _collect(kinds.type_info(kind), numbers, fields, set())
    return partial(_check, fields) if matters else None


def _collect(info: kinds.Type, numbers: bool, fields: dict[type, Fields], within: set[type]) -> bool:
    """Whether values of the type could be out of bounds. Fills in the fields of every Struct that it meets."""
    match info:
        case kinds.UnionType():
            found = [_collect(part, numbers, fields, within) for part in info.types]  # All of them, not until one does.
            return any(found)
        case kinds.Metadata():
            return _collect(info.type, numbers, fields, within)
        case kinds.IntType():
            return numbers and (info.ge is None or info.le is None)
        case kinds.StructType():
            if info.cls in within:
                return True
            within = {*within, info.cls}
            worth = [field for field in info.fields if _collect(field.type, numbers, fields, within)]
            fields[info.cls] = tuple((field.name, field.encode_name) for field in worth)
            return bool(worth)
        case kinds.CollectionType():
            return _collect(info.item_type, numbers, fields, within)
        case kinds.DictType():
            return _collect(info.value_type, numbers, fields, within)
        case kinds.AnyType():
            return numbers
        case _:
            return not isinstance(info, _HARMLESS)


def _check(fields: dict[type, Fields], value: Any) -> list[Fault]:
    faults: list[Fault] = []
    _walk(value, "", fields, faults)
    return faults


def _walk(value: Any, pointer: str, fields: dict[type, Fields], faults: list[Fault]) -> None:
    """Adds what is wrong with a value and its parts. Plain calls and no generators: it may meet a million of them."""
    kind = type(value)
    if kind is str or len(faults) >= FAULTS_MAX:
        return
    if kind in fields:
        for name, encoded in fields[kind]:
            part = getattr(value, name)
            if part is not None and part is not UNSET:
                _walk(part, f"{pointer}/{encoded}", fields, faults)
    elif kind is datetime or kind is date:
        if not YEAR_MIN <= value.year <= YEAR_MAX:
            faults.append(Fault(pointer, f"The year must be between {YEAR_MIN} and {YEAR_MAX}."))
    elif kind is int:
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            faults.append(Fault(pointer, "This number is too large: whole numbers have 64 bits."))
    elif kind is dict:
        for key, part in value.items():
            _walk(part, f"{pointer}/{escaped(str(key))}", fields, faults)
    elif kind in _COLLECTIONS:
        for index, part in enumerate(value):
            _walk(part, f"{pointer}/{index}", fields, faults)
