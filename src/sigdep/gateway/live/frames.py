"""A message as the bytes of one WebSocket frame: made once, and written to every connection."""

from typing import Final

_TEXT_AND_LAST: Final = 0x81
_LENGTH_16_BITS: Final = 126
_LENGTH_64_BITS: Final = 127


def text_frame(payload: bytes) -> bytes:
    """An unmasked text frame, as servers send them (RFC 6455 §5.2). `payload` must be UTF-8."""
    length = len(payload)
    if length < _LENGTH_16_BITS:
        return bytes((_TEXT_AND_LAST, length)) + payload
    if length < 1 << 16:
        return bytes((_TEXT_AND_LAST, _LENGTH_16_BITS)) + length.to_bytes(2, "big") + payload
    return bytes((_TEXT_AND_LAST, _LENGTH_64_BITS)) + length.to_bytes(8, "big") + payload
