"""Values of read models as SQLite keeps them: instants as microseconds since 1970, ids as 16 bytes, sets as JSON."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from sigdep.kernel.conditions import fits
from sigdep.kernel.errors import Invalid
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

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_decode_set = msgspec.json.Decoder(frozenset[str]).decode


class _Misfit(Exception):
    """A value of another kind."""


def _of(*types: type) -> Callable[[Any], Any]:
    def same(value: Any) -> Any:
        if type(value) in types:
            return value
        raise _Misfit

    return same


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _Misfit


def _real(value: Any) -> float:
    if fits(value, "real"):
        return float(value)
    raise _Misfit


def _boolean(value: Any) -> int:
    if value is True:
        return 1
    if value is False:
        return 0
    raise _Misfit


def _instant(value: Any) -> int:
    try:
        since = value - _EPOCH
        return int((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)
    except (TypeError, AttributeError, OverflowError):
        raise _Misfit from None


def _date(value: Any) -> str:
    if type(value) is date:
        return value.isoformat()
    raise _Misfit


def _uuid(value: Any) -> bytes:
    if isinstance(value, UUID):
        return value.bytes
    raise _Misfit


def _set(value: Any) -> str:
    if fits(value, "set"):
        return msgspec.json.encode(sorted(value)).decode()
    raise _Misfit


def _instant_back(stored: int) -> datetime:
    return _EPOCH + timedelta(microseconds=stored)


def _uuid_back(stored: bytes) -> UUID:
    return UUID(bytes=stored)


def set_members(stored: str) -> frozenset[str]:
    return _decode_set(stored)


_ENCODERS: Final[dict[Kind, Callable[[Any], Any]]] = {
    "text": _text,
    "integer": _of(int),
    "real": _real,
    "boolean": _boolean,
    "bytes": _of(bytes),
    "uuid": _uuid,
    "instant": _instant,
    "date": _date,
    "set": _set,
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
        return _ENCODERS[kind](value)
    except _Misfit:
        raise Invalid(f"{value!r} is not of the kind {kind}.") from None


def row_encoder(table: Table, columns: Sequence[str]) -> Callable[[Row], list[Any]]:
    """What turns a row into its stored values, in the order of the columns."""
    encoders = [(name, _ENCODERS[kind]) for name in columns if (kind := table.kind(name)) is not None]

    def encoded(row: Row) -> list[Any]:
        try:
            return [None if (value := row[name]) is None else encoder(value) for name, encoder in encoders]
        except _Misfit:
            misfit = next(c for c in table.columns if (v := row[c.name]) is not None and not fits(v, c.kind))
            raise Invalid(
                f"{table.name}.{misfit.name} cannot hold {row[misfit.name]!r}: it is of the kind {misfit.kind}."
            ) from None
        except KeyError as error:
            raise Invalid(f"The row for {table.name} has no {error.args[0]}.") from None

    return encoded


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
