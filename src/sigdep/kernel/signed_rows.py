"""Rows on their way through a broker, signed: what somebody else has written or damaged there is told from them."""

import hmac
from collections.abc import Sequence
from typing import Final

import msgspec

from sigdep.kernel.chain import StoredRow
from sigdep.kernel.sealed_log import decode_rows, encode_rows

SIGNATURE_BYTES: Final = 32

ROWS: Final = "rows in a broker"
"""What the key is for, see `Passports.derive_key`."""


class NotSigned(Exception):
    """Whoever has written it is no relay of ours, or it has been altered since, or is of another release."""


class SignedRows:
    """Those of one topic. A row names its own place, so a signed one is true wherever in the broker it is found."""

    def __init__(self, key: bytes, topic: str) -> None:
        """
        Args:
            key: that relays and followers share, and nobody else has.
        """
        self._key = hmac.digest(key, b"sigdep rows of " + topic.encode(), "sha256")

    def encode(self, rows: Sequence[StoredRow]) -> bytes:
        """HMAC-SHA-256, then the rows as `encode_rows` gives them."""
        encoded = encode_rows(rows)
        return hmac.digest(self._key, encoded, "sha256") + encoded

    def decode(self, body: bytes) -> list[StoredRow]:
        """
        Raises:
            NotSigned: what a broker holds there must not be believed.
        """
        signature, encoded = body[:SIGNATURE_BYTES], body[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, hmac.digest(self._key, encoded, "sha256")):
            raise NotSigned
        try:
            return decode_rows(encoded)
        except msgspec.MsgspecError as error:
            raise NotSigned from error


def rows_unchecked(body: bytes) -> list[StoredRow]:
    """For whoever has just signed them."""
    return decode_rows(body[SIGNATURE_BYTES:])
