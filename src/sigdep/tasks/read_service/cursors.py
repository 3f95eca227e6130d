"""Cursors: where a page ended, bound to the question that it answered. Opaque to clients."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import msgspec

from sigdep.kernel.conditions import fits
from sigdep.kernel.errors import Invalid
from sigdep.kernel.messages import Query
from sigdep.kernel.read_store import Kind, Order, Table, Value

CURSOR_LENGTH_MAX: Final = 4_096

_DIGEST_BYTES: Final = 8

_TYPES: Final[Mapping[Kind, Any]] = {
    "text": str,
    "integer": int,
    "real": float,
    "boolean": bool,
    "bytes": bytes,
    "uuid": UUID,
    "instant": datetime,
    "date": date,
}

_encode: Final = msgspec.json.Encoder().encode


def question_digest(query: Query, workspace: UUID) -> bytes:
    """Names a question: all of it but the page."""
    asked = msgspec.structs.replace(query, cursor=None, limit=0)
    return sha256(b"|".join((type(query).__name__.encode(), workspace.bytes, _encode(asked)))).digest()[:_DIGEST_BYTES]


def encode_cursor(question: bytes, place: Sequence[Value]) -> str:
    return urlsafe_b64encode(question + _encode(place)).rstrip(b"=").decode()


def decode_cursor(cursor: str, question: bytes, table: Table, order: Sequence[Order]) -> tuple[Value, ...]:
    """The place in the order after which the page begins.

    Raises:
        Invalid: it is no cursor of ours, or one of another question.
    """
    stored = _stored(cursor)
    if stored[:_DIGEST_BYTES] != question:
        raise Invalid.at(
            "cursor", "cursor belongs to another question: change nothing but cursor and limit between pages."
        )
    try:
        place = msgspec.json.decode(stored[_DIGEST_BYTES:], type=list[Any])
        return tuple(_value(value, one, table) for value, one in zip(place, order, strict=True))
    except (ValueError, UnicodeDecodeError):
        raise _broken() from None


def _stored(cursor: str) -> bytes:
    if len(cursor) > CURSOR_LENGTH_MAX:
        raise _broken()
    try:
        stored = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (BadBase64, ValueError):
        raise _broken() from None
    # Base64 skips what is not in its alphabet; we do not.
    if len(stored) <= _DIGEST_BYTES or urlsafe_b64encode(stored).rstrip(b"=").decode() != cursor:
        raise _broken()
    return stored


def _value(stored: Any, one: Order, table: Table) -> Value:
    """
    Raises:
        ValueError: it is no value that the column could have.
    """
    kind = table.kind(one.column)
    if stored is None:
        if one.column in table.key:
            raise ValueError(one.column)
        return None
    if kind is None or kind not in _TYPES:
        raise ValueError(one.column)
    value: Value = msgspec.convert(stored, _TYPES[kind])
    if not fits(value, kind):
        raise ValueError(one.column)
    return value


def _broken() -> Invalid:
    return Invalid.at("cursor", "cursor is none of ours: pass on next_cursor of the page before, unchanged.")
