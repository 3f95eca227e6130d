"""Cursors: where a page ended, bound to the question that it answered. Opaque to clients."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import msgspec

from sigdep.kernel.conditions import fits, full_order
from sigdep.kernel.errors import Invalid
from sigdep.kernel.messages import Query
from sigdep.kernel.read_store import Kind, Order, Select, Table, Value

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


class Paging:
    """One question's cursors.

    The query has the fields `cursor` and `limit`, which do not belong to the question.
    """

    def __init__(self, query: Query, scope: UUID) -> None:
        """
        Args:
            scope: the workspace or person that the question is about, where the query itself does not say so.
        """
        asked = msgspec.structs.replace(query, cursor=None, limit=0)
        content = b"|".join((type(query).__name__.encode(), scope.bytes, _encode(asked)))
        self._question = sha256(content).digest()[:_DIGEST_BYTES]

    def after(self, select: Select, cursor: str | None) -> Select:
        """The question for the page that the cursor leads to.

        Raises:
            Invalid: the cursor is broken, or of another question.
        """
        if cursor is None:
            return select
        order = full_order(select.table, select.order)
        return msgspec.structs.replace(select, after=self.place(cursor, select.table, order))

    def cursor(self, place: Sequence[Value] | None) -> str | None:
        """For the next page, from `Page.next`."""
        return None if place is None else urlsafe_b64encode(self._question + _encode(place)).rstrip(b"=").decode()

    def place(self, cursor: str, table: Table, order: Sequence[Order]) -> tuple[Value, ...]:
        """The place in the order after which the page begins.

        Raises:
            Invalid: the cursor is broken, or of another question.
        """
        stored = _stored(cursor)
        if stored[:_DIGEST_BYTES] != self._question:
            raise Invalid.at(
                "cursor", "cursor belongs to another question: change nothing but cursor and limit between pages."
            )
        try:
            place = msgspec.json.decode(stored[_DIGEST_BYTES:], type=list[Any])
            return tuple(_value(value, one, table) for value, one in zip(place, order, strict=True))
        except (ValueError, RecursionError):  # Whoever nests arrays by the thousand has made it themselves.
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
