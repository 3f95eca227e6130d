"""Reads what stands behind the `?` of a request: typed, every unknown or repeated parameter named."""

from collections.abc import Callable
from re import compile as pattern
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import ValidationError
from msgspec import inspect as kinds

from sigdep.http.bodies import invalid
from sigdep.http.bounds import bounds_of
from sigdep.http.faults import FAULTS_MAX, control_characters_of, faults_of
from sigdep.http.routes import Parameters
from sigdep.kernel.errors import Fault

QUERY_BYTES_MAX: Final = 8_192
PARAMETERS_MAX: Final = 100
DRY_RUN: Final = "dry_run"

_INTEGER: Final = pattern(r"-?(?:0|[1-9]\d{0,19})")
_NUMBER: Final = pattern(r"-?(?:0|[1-9]\d{0,19})(?:\.\d{1,20})?")

Pairs = dict[str, list[str]]


class WriteParameters(Parameters, frozen=True, kw_only=True):
    """What may stand behind the `?` of every write."""

    dry_run: bool = False
    """Answer what would happen, and store nothing."""


class ParameterReader:
    """Reads the parameters of one route."""

    def __init__(self, kind: type[Parameters]) -> None:
        self.kind = kind
        self._values = {field.encode_name: _value_reader(field.type) for field in _struct(kind).fields}
        self._bounds = bounds_of(kind, numbers=True)
        self._when_empty = _default(kind)

    def read(self, query: bytes) -> Any:
        """
        Raises:
            Invalid: names every parameter that is wrong.
        """
        if not query and self._when_empty is not None:
            return self._when_empty
        given = pairs_of(query)
        faults = [*self._strays(given), *control_characters_of(given)]
        plain = {name: self._values[name](values) for name, values in given.items() if name in self._values}
        value: Any = None
        try:
            value = msgspec.convert(plain, self.kind)
            faults += self._bounds(value) if self._bounds is not None else []
        except ValidationError:
            faults += faults_of(plain, self.kind)
        if faults:
            raise invalid([Fault(fault.pointer.lstrip("/").partition("/")[0], fault.detail) for fault in faults])
        return value

    def _strays(self, given: Pairs) -> list[Fault]:
        faults = [
            Fault(name[:100], f"There is no parameter {name[:100]!r} here.")
            for name in given
            if name not in self._values
        ]
        for name, values in given.items():
            if len(values) > 1 and self._values.get(name) is not _several:
                faults += [Fault(name[:100], f"{name[:100]} stands {len(values)} times; send it once.")]
        return faults[:FAULTS_MAX]


def take_dry_run(query: bytes) -> tuple[bytes, bool]:
    """Takes `dry_run=true` out of a write's query."""
    if b"dry_run" not in query:
        return query, False
    rest = [pair for pair in query.split(b"&") if not pair.startswith(b"dry_run=")]
    reader: Any = _write_parameters.read(b"&".join(p for p in query.split(b"&") if p.startswith(b"dry_run=")))
    return b"&".join(rest), reader.dry_run


def pairs_of(query: bytes) -> Pairs:
    """
    Raises:
        Invalid: too long, too many, or no UTF-8.
    """
    if len(query) > QUERY_BYTES_MAX:
        raise invalid([Fault("", f"The query has more than {QUERY_BYTES_MAX:,} characters.")])
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS_MAX)
    except UnicodeDecodeError:
        raise invalid([Fault("", "The query is not percent-encoded UTF-8.")]) from None
    except ValueError:
        raise invalid([Fault("", f"The query has more than {PARAMETERS_MAX} parameters.")]) from None
    given: Pairs = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    return given


def _value_reader(info: kinds.Type) -> Callable[[list[str]], Any]:
    """From the texts of one parameter to plain JSON of its type."""
    parts = _parts(info)
    if any(isinstance(part, kinds.CollectionType) for part in parts):
        return _several
    if any(isinstance(part, kinds.BoolType) for part in parts):
        return lambda values: {"true": True, "false": False}.get(values[0], values[0])
    if any(isinstance(part, kinds.IntType) for part in parts):
        return lambda values: int(values[0]) if _INTEGER.fullmatch(values[0]) else values[0]
    if any(isinstance(part, kinds.FloatType) for part in parts):
        return lambda values: float(values[0]) if _NUMBER.fullmatch(values[0]) else values[0]
    return lambda values: values[0]


def _several(values: list[str]) -> list[str]:
    """A list by comma, or by repetition."""
    return [part for value in values for part in value.split(",")]


def _parts(info: kinds.Type) -> list[kinds.Type]:
    if isinstance(info, kinds.Metadata):
        return _parts(info.type)
    if isinstance(info, kinds.UnionType):
        return [deeper for part in info.types for deeper in _parts(part)]
    return [info]


def _struct(kind: type[Parameters]) -> kinds.StructType:
    info = kinds.type_info(kind)
    assert isinstance(info, kinds.StructType)
    return info


def _default(kind: type[Parameters]) -> Parameters | None:
    try:
        return kind()
    except TypeError:
        return None  # One of them is required.


_write_parameters: Final = ParameterReader(WriteParameters)
