"""Values of read models as SQLite keeps them: instants as microseconds since 1970, ids as 16 bytes, sets as JSON."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import msgspec

from sigdep.kernel.conditions import fits
from sigdep.kernel.errors import Invalid
from sigdep.kernel.ids import uuid_of
from sigdep.kernel.read_store import Kind, Row, Table, Value

SQL_TYPES: Final[dict[Kind, str]] = {
    "text": "TEXT",
    "integer": "INTEGER",
    "real": "REAL",
    "boolean": "INTEGER",
    "bytes": "BLOB",
    "uuid": "BLOB",
    "instant": "INTEGER",
    "date": "TEXT",
    "set": "TEXT NOT NULL",
}

INSTANTS_KEPT: Final = 65_536
"""The same instants come again and again: as due and due_at, in a task's row and in its assignees'."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_decode_set = msgspec.json.Decoder(frozenset[str]).decode


class _Misfit(Exception):
    """A value of another kind."""


_Column = list[Any]
"""The values of one column in several rows: checked and encoded together, that costs a fraction of one by one."""


def _of(*types: type) -> Callable[[_Column], _Column]:
    """Kept as they are."""
    allowed = {*types, type(None)}

    def same(values: _Column) -> _Column:
        if allowed.issuperset(map(type, values)):
            return values
        raise _Misfit

    return same


def _texts(values: _Column) -> _Column:
    if _STRINGS.issuperset(map(type, values)) or all(value is None or isinstance(value, str) for value in values):
        return values
    raise _Misfit


def _reals(values: _Column) -> _Column:
    if all(value is None or fits(value, "real") for value in values):
        return [None if value is None else float(value) for value in values]
    raise _Misfit


def _booleans(values: _Column) -> _Column:
    if _BOOLEANS.issuperset(map(type, values)):
        return [_STORED_BOOLEANS[value] for value in values]
    raise _Misfit


@lru_cache(maxsize=INSTANTS_KEPT)
def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND


def _instants(values: _Column) -> _Column:
    try:
        return [None if value is None else _microseconds(value) for value in values]
    except (TypeError, OverflowError):
        raise _Misfit from None


def _dates(values: _Column) -> _Column:
    if _DATES.issuperset(map(type, values)):
        return [None if value is None else value.isoformat() for value in values]
    raise _Misfit


def _uuids(values: _Column) -> _Column:
    if _UUIDS.issuperset(map(type, values)) or all(value is None or isinstance(value, UUID) for value in values):
        return [None if value is None else value.int.to_bytes(16, "big") for value in values]
    raise _Misfit


def _sets(values: _Column) -> _Column:
    return [_set(value) if value or type(value) is not frozenset else "[]" for value in values]


def _set(value: Any) -> str:
    if value is not None and fits(value, "set"):
        return msgspec.json.encode(sorted(value)).decode()
    raise _Misfit


_STRINGS: Final = frozenset({str, type(None)})
_BOOLEANS: Final = frozenset({bool, type(None)})
_DATES: Final = frozenset({date, type(None)})
_UUIDS: Final = frozenset({UUID, type(None)})
_STORED_BOOLEANS: Final = {None: None, False: 0, True: 1}


def _instant_back(stored: int) -> datetime:
    return _EPOCH + timedelta(microseconds=stored)


def _uuid_back(stored: bytes) -> UUID:
    return uuid_of(stored)


def set_members(stored: str) -> frozenset[str]:
    return _decode_set(stored)


_ENCODERS: Final[dict[Kind, Callable[[_Column], _Column]]] = {
    "text": _texts,
    "integer": _of(int),
    "real": _reals,
    "boolean": _booleans,
    "bytes": _of(bytes),
    "uuid": _uuids,
    "instant": _instants,
    "date": _dates,
    "set": _sets,
}
_DECODERS: Final[dict[Kind, Callable[[Any], Value]]] = {
    "boolean": bool,
    "uuid": _uuid_back,
    "instant": _instant_back,
    "date": date.fromisoformat,
    "set": set_members,
}


def encode(value: Value, kind: Kind) -> Any:
    """A value, not null.

    Raises:
        Invalid: it is of another kind.
    """
    try:
        return _ENCODERS[kind]([value])[0]
    except _Misfit:
        raise Invalid(f"{value!r} is not of the kind {kind}.") from None


def rows_encoder(table: Table, columns: Sequence[str]) -> Callable[[Sequence[Row]], list[tuple[Any, ...]]]:
    """What turns rows into their stored values, in the order of the columns.

    It raises Invalid where a value does not fit its column.
    """
    encoders = [(name, _ENCODERS[kind]) for name in columns if (kind := table.kind(name)) is not None]

    def encoded(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        stored = []
        for name, encoder in encoders:
            try:
                stored.append(encoder([row[name] for row in rows]))
            except _Misfit:
                raise _misfit(table, name, rows) from None
            except KeyError:
                raise Invalid(f"A row for {table.name} has no {name}.") from None
        return list(zip(*stored, strict=True))

    return encoded


def _misfit(table: Table, name: str, rows: Sequence[Row]) -> Invalid:
    kind = table.kind(name)
    assert kind is not None
    values = [row[name] for row in rows]
    value = next((v for v in values if v is not None and not fits(v, kind)), None)
    return Invalid(f"{table.name}.{name} cannot hold {value!r}: it is of the kind {kind}.")


def row_decoder(table: Table, columns: Sequence[str]) -> Callable[[Sequence[Any]], Row]:
    """What turns stored values, in the order of the columns, into a row."""
    names = tuple(columns)
    decoders = [
        (place, decoder)
        for place, name in enumerate(names)
        if (kind := table.kind(name)) is not None and (decoder := _DECODERS.get(kind)) is not None
    ]

    def decoded(stored: Sequence[Any]) -> Row:
        values = list(stored)
        for place, decoder in decoders:
            value = values[place]
            if value is not None:
                values[place] = decoder(value)
        return dict(zip(names, values, strict=True))

    return decoded
