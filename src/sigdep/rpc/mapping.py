"""Between our Structs and protobuf's messages: how to is worked out once for each type, from names and types."""

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any, Final, Generic, Literal, TypeVar, get_args, get_origin

import msgspec
from google.protobuf.message import Message
from msgspec import NODEFAULT, UNSET, Struct, ValidationError

from sigdep.kernel.errors import Fault, Invalid
from sigdep.rpc.describing import CLEARED, OPTION
from sigdep.rpc.shapes import Nested, OneOf, Scalar, Shape, container_of, shapes_of

S = TypeVar("S", bound=Struct)

Fill = Callable[[Any, Message], None]
"""Writes a value into the message that holds it."""
Read = Callable[[Any], Any]
"""From what a message's field holds to the value."""

_AS_IT_IS: Final = (str, bool, int, float, bytes)


class Mapper(Generic[S]):
    """Translates one type of Struct."""

    def __init__(self, struct: type[S], mappers: "Mappers") -> None:
        self._struct = struct
        shapes = shapes_of(struct)
        self._fills = tuple((attrgetter(shape.name), _fill(shape, mappers), shape) for shape in shapes)
        self._reads = {shape.name: _read(shape, mappers) for shape in shapes}
        self._cleared = {shape.name: shape.cleared for shape in shapes if shape.cleared is not NODEFAULT}
        self._absent = {
            shape.name: shape.absent for shape in shapes if shape.required and shape.absent is not NODEFAULT
        }
        self._needed = frozenset(shape.name for shape in shapes if shape.absent is NODEFAULT)

    def fill(self, struct: S, message: Any) -> None:
        """Write the Struct into an empty message.

        Raises:
            Invalid: a value is beyond what the wire can carry.
        """
        for value_of, fill, shape in self._fills:
            value = value_of(struct)
            if value is UNSET:
                continue
            if value is None or (shape.holds != "one" and not value):
                if value != shape.absent:
                    message.cleared.append(shape.name)
                continue
            try:
                fill(value, message)
            except ValueError as error:
                raise Invalid.at(f"/{shape.name}", f"This value cannot be sent: {error}") from None

    def read(self, message: Any) -> S:
        """
        Raises:
            Invalid: a value is missing, or is not of its field's type.
        """
        values: dict[str, Any] = dict(self._absent)
        for field, value in message.ListFields():
            name = field.name
            if name in self._reads:
                try:
                    values[name] = self._reads[name](value)
                except (ValidationError, msgspec.DecodeError) as error:
                    raise Invalid.at(f"/{name}", str(error)) from None
                except RecursionError:
                    raise Invalid.at(f"/{name}", "Objects and arrays are nested too deep.") from None
            elif name == CLEARED:
                values |= self._read_cleared(value)
        if not self._needed <= values.keys():
            faults = [Fault(f"/{name}", "This is required.") for name in sorted(self._needed - values.keys())]
            raise Invalid(f"{self._struct.__name__} is incomplete.", faults)
        return self._struct(**values)

    def _read_cleared(self, names: Any) -> dict[str, Any]:
        for name in names:
            if name not in self._cleared:
                raise Invalid.at(f"/{CLEARED}", f"{self._struct.__name__} has no field {name} that can be cleared.")
        return {name: self._cleared[name] for name in names}


class OneOfMapper:
    """Translates a choice of several types."""

    def __init__(self, kind: OneOf, mappers: "Mappers") -> None:
        self._fills: dict[type, Fill] = {}
        self._reads: dict[str, Read] = {}
        for name, option, shape in kind.options:
            self._fills[option] = _fill_one(name, shape, mappers)
            self._reads[name] = _read_one(option, shape, mappers)

    def fill(self, value: Any, message: Message) -> None:
        self._fills[type(value)](value, message)

    def read(self, message: Any) -> Any:
        """
        Raises:
            Invalid: none of the types is there, or one that we do not know.
        """
        name = message.WhichOneof(OPTION)
        if name is None:
            raise Invalid(f"{message.DESCRIPTOR.name} holds nothing that is known here.")
        return self._reads[name](getattr(message, name))


class Mappers:
    """The mappers of a process, each made when it is first needed."""

    def __init__(self) -> None:
        self._made: dict[type[Struct], Mapper[Any]] = {}

    def of(self, struct: type[S]) -> Mapper[S]:
        if struct not in self._made:
            self._made[struct] = Mapper(struct, self)
        return self._made[struct]


# ── from values to messages ─────────────────────────────────────────────────────────────────────────────


def _fill(shape: Shape, mappers: Mappers) -> Fill:
    name, kind = shape.name, shape.kind
    if shape.holds == "one":
        return _fill_one(name, kind, mappers)
    if shape.holds == "map":
        assert isinstance(kind, Scalar)
        assert shape.key is not None
        return partial(_fill_map, name, shape.key.encode or _same, kind.encode or _same)
    if isinstance(kind, Scalar):
        return partial(_fill_scalars, name, kind.encode or _same)
    return partial(_fill_messages, name, _filler(kind, mappers))


def _fill_one(name: str, kind: Scalar | Nested | OneOf, mappers: Mappers) -> Fill:
    if isinstance(kind, Scalar):
        return partial(_fill_scalar, name, kind.encode or _same)
    return partial(_fill_message, name, _filler(kind, mappers))


def _filler(kind: Nested | OneOf, mappers: Mappers) -> Fill:
    return mappers.of(kind.struct).fill if isinstance(kind, Nested) else OneOfMapper(kind, mappers).fill


def _same(value: Any) -> Any:
    return value


def _fill_scalar(name: str, encode: Read, value: Any, message: Message) -> None:
    setattr(message, name, encode(value))


def _fill_message(name: str, fill: Fill, value: Any, message: Message) -> None:
    inner = getattr(message, name)
    inner.SetInParent()  # It is there even when nothing in it is.
    fill(value, inner)


def _fill_scalars(name: str, encode: Read, values: Any, message: Message) -> None:
    getattr(message, name).extend(encode(value) for value in values)


def _fill_messages(name: str, fill: Fill, values: Any, message: Message) -> None:
    inner = getattr(message, name)
    for value in values:
        fill(value, inner.add())


def _fill_map(name: str, encode_key: Read, encode: Read, values: Any, message: Message) -> None:
    getattr(message, name).update({encode_key(key): encode(value) for key, value in values.items()})


# ── from messages to values ─────────────────────────────────────────────────────────────────────────────


def _read(shape: Shape, mappers: Mappers) -> Read:
    kind = shape.kind
    if shape.holds == "one":
        return _read_one(shape.type, kind, mappers)
    if shape.holds == "map":
        assert isinstance(kind, Scalar)
        key_type, value_type = get_args(shape.type)
        read_key, read_value = _read_scalar(key_type, None), _read_scalar(value_type, kind.decode)
        return lambda values: {read_key(key): read_value(value) for key, value in values.items()}
    read, container = _read_one(get_args(shape.type)[0], kind, mappers), container_of(shape.type)
    return lambda values: container([read(value) for value in values])


def _read_one(type_: Any, kind: Scalar | Nested | OneOf, mappers: Mappers) -> Read:
    if isinstance(kind, Scalar):
        return _read_scalar(type_, kind.decode)
    return _reader(kind, mappers)


def _read_scalar(type_: Any, decode: Read | None) -> Read:
    # msgspec works out anew what a type means whenever it converts: for the most common ones there is a quicker way.
    if decode is not None:
        return lambda value: msgspec.convert(decode(value), type_)
    while hasattr(type_, "__supertype__"):
        type_ = type_.__supertype__
    if type_ in _AS_IT_IS:
        return _same
    if get_origin(type_) is Literal:
        known = frozenset(get_args(type_))
        return lambda value: value if value in known else msgspec.convert(value, type_)
    return lambda value: msgspec.convert(value, type_)


def _reader(kind: Nested | OneOf, mappers: Mappers) -> Read:
    return mappers.of(kind.struct).read if isinstance(kind, Nested) else OneOfMapper(kind, mappers).read


MAPPERS: Final = Mappers()
