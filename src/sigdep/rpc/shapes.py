"""What the fields of a Struct look like on the wire, read off their types."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias, Union, get_args, get_origin
from uuid import UUID

import msgspec
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from msgspec import NODEFAULT, Struct, UnsetType
from msgspec.structs import FieldInfo, fields

from sigdep.rpc.contract import snake

WireType: TypeAlias = "FieldDescriptorProto.Type.ValueType"
Number = Literal["one", "many", "map"]

_TEXT: Final = FieldDescriptorProto.TYPE_STRING


class Unmappable(TypeError):
    """The wire has no shape for this type."""


class Scalar(NamedTuple):
    """A single value."""

    wire: WireType
    note: str = ""
    """What the wire's type does not say."""
    encode: Callable[[Any], Any] | None = None
    """From the value to the wire's. None: they are the same."""
    decode: Callable[[Any], Any] | None = None
    """From the wire's value to plain JSON. None: they are the same."""


class Nested(NamedTuple):
    """A message."""

    struct: type[Struct]


class OneOf(NamedTuple):
    """One of several, by the name of the field that holds it."""

    options: tuple[tuple[str, Any, "Scalar | Nested"], ...]
    """Name, type, shape."""


Kind = Scalar | Nested | OneOf


class Shape(NamedTuple):
    """One field."""

    name: str
    type: Any
    """Without None and UNSET."""
    holds: Number
    kind: Kind
    key: Scalar | None
    """Of a map."""
    required: bool
    """It has no default."""
    absent: Any
    """What leaving it out means. NODEFAULT: it has to be there."""
    cleared: Any
    """What it is when its name stands in `cleared`: None or an empty collection. NODEFAULT: that cannot be."""


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_SCALARS: Final[Mapping[Any, Scalar]] = {
    str: Scalar(_TEXT),
    bool: Scalar(FieldDescriptorProto.TYPE_BOOL),
    int: Scalar(FieldDescriptorProto.TYPE_INT64),
    float: Scalar(FieldDescriptorProto.TYPE_DOUBLE),
    bytes: Scalar(FieldDescriptorProto.TYPE_BYTES),
    UUID: Scalar(_TEXT, "UUID.", str),
    # As text, an instant keeps the offset that it was given with.
    datetime: Scalar(_TEXT, "Instant (RFC 3339).", msgspec.to_builtins),
    date: Scalar(_TEXT, "Date (RFC 3339).", msgspec.to_builtins),
    time: Scalar(_TEXT, "Time of day (RFC 3339).", msgspec.to_builtins),
    timedelta: Scalar(_TEXT, "Duration (ISO 8601).", msgspec.to_builtins),
    Decimal: Scalar(_TEXT, "Decimal number.", msgspec.to_builtins),
}
# google.protobuf.Struct would make a float of every number.
_JSON: Final = Scalar(_TEXT, "JSON.", _json, msgspec.json.Decoder().decode)
_CONTAINERS: Final[Mapping[Any, Callable[[Any], Any]]] = {
    tuple: tuple, list: list, set: set, frozenset: frozenset, Sequence: tuple,
}  # fmt: skip


def shapes_of(struct: type[Struct]) -> tuple[Shape, ...]:
    """
    Raises:
        Unmappable: a field's type has no shape on the wire.
    """
    return tuple(_shape_of(struct, field) for field in fields(struct))


def container_of(kind: Any) -> Callable[[Any], Any]:
    """What makes a collection of the type from a list."""
    return _CONTAINERS[get_origin(kind)]


def _shape_of(struct: type[Struct], field: FieldInfo) -> Shape:
    found = list(_options(field.type))
    options = [option for option in dict.fromkeys(found) if option not in (NoneType, UnsetType)]
    kind = options[0] if len(options) == 1 else Union[tuple(options)]  # noqa: UP007 - the options are values.
    try:
        holds, key, shape = _counted(kind, options)
        specials: list[Any] = [None] if NoneType in found else []
        if holds != "one":
            specials.append({} if holds == "map" else container_of(kind)(()))
        absent, cleared = _states(field, specials)
    except Unmappable as error:
        raise Unmappable(f"{struct.__name__}.{field.name}: {error}") from None
    return Shape(field.name, kind, holds, shape, key, field.required, absent, cleared)


def _states(field: FieldInfo, specials: Sequence[Any]) -> tuple[Any, Any]:
    """What leaving the field out means, and what clearing it means.

    Args:
        specials: the values for which the wire has nothing to send: null, and the empty collection.
    """
    absent = field.default
    if field.default_factory is not NODEFAULT:
        absent = field.default_factory()
    elif absent is NODEFAULT and specials:
        absent = specials[0]
    others = [special for special in specials if special != absent]
    if len(others) > 1:
        raise Unmappable("left out, null and empty: the wire has no name for the third.")
    return absent, others[0] if others else NODEFAULT


def _options(kind: Any) -> list[Any]:
    """The members of a union, without their aliases and annotations."""
    while True:
        if hasattr(kind, "__supertype__"):
            kind = kind.__supertype__
        elif get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        else:
            break
    if get_origin(kind) in (Union, UnionType):
        return [option for member in get_args(kind) for option in _options(member)]
    return [kind]


def _counted(kind: Any, options: Sequence[Any]) -> tuple[Number, Scalar | None, Kind]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in _CONTAINERS:
        if origin is tuple and arguments[1:] != (...,):
            raise Unmappable("a tuple of a fixed length.")
        return "many", None, _kind_of(_options(arguments[0]))
    if origin in (dict, Mapping):
        key, value = (_kind_of(_options(argument)) for argument in arguments)
        if value is not _JSON:
            if not isinstance(key, Scalar) or not isinstance(value, Scalar):
                raise Unmappable("a map holds single values by single values.")
            return "map", key, value
        return "one", None, _JSON
    return "one", None, _kind_of(options)


def _kind_of(options: Sequence[Any]) -> Kind:
    options = list(dict.fromkeys(options))
    if len(options) == 1:
        return _single(options[0])
    if not options or NoneType in options:
        raise Unmappable("null inside a collection.")
    if not all(isinstance(option, type) for option in options):
        raise Unmappable("a choice that the type of a value does not tell.")
    return OneOf(tuple((_name_of(option), option, _single(option)) for option in options))


def _single(kind: Any) -> Scalar | Nested:
    if kind is Any or kind is object or kind is dict:
        return _JSON
    if kind in _SCALARS:
        return _SCALARS[kind]
    if get_origin(kind) is Literal:
        values = get_args(kind)
        if all(type(value) is str for value in values):
            return Scalar(_TEXT, f"One of: {', '.join(values)}.")
        raise Unmappable("literals other than text.")
    if isinstance(kind, type) and issubclass(kind, Struct):
        return Nested(kind)
    raise Unmappable(f"{kind} has no shape.")


def _name_of(kind: Any) -> str:
    return snake(kind.__name__)
