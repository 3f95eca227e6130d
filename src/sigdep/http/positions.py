"""Positions as clients see them: opaque strings, which only the server compares."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from re import compile as pattern
from typing import Final

from sigdep.kernel.errors import Invalid
from sigdep.kernel.ids import PARTITIONS, Partition, Position
from sigdep.rpc.call import FeedPosition, WorkspacePosition

__all__ = [
    "POSITION_MAX",
    "TEXT_LENGTH_MAX",
    "FeedPosition",
    "decode_feed_position",
    "decode_position",
    "encode_feed_position",
    "encode_position",
]

TEXT_LENGTH_MAX: Final = 512
POSITION_MAX: Final = 2**63 - 1

_WRITE: Final = pattern(r"w\.([a-z]{1,32})\.(\d{1,2})\.(\d{1,19})")
_FEED: Final = pattern(r"f\.(\d{1,2})((?:\.[a-z]{1,32}\.\d{1,19}){0,8})")


def encode_position(position: WorkspacePosition) -> str:
    return _opaque(f"w.{position.context}.{position.partition}.{position.position}")


def decode_position(text: str, name: str) -> WorkspacePosition:
    """What `encode_position` made.

    Args:
        name: the header or parameter that it came in, to name it in the refusal.

    Raises:
        Invalid: it is not one that a write or a read has answered.
    """
    found = _WRITE.fullmatch(_transparent(text, name))
    if found is None:
        raise _unknown(name)
    context, partition, position = found.groups()
    return WorkspacePosition(context, _partition(partition, name), _position(position, name))


def encode_feed_position(position: FeedPosition) -> str:
    logs = "".join(f".{context}.{number}" for context, number in position.positions.items())
    return _opaque(f"f.{position.partition}{logs}")


def decode_feed_position(text: str, name: str) -> FeedPosition | WorkspacePosition:
    """What `encode_feed_position` made, or the position of a write or a read.

    Raises:
        Invalid: it is neither.
    """
    clear = _transparent(text, name)
    if clear.startswith("w."):
        return decode_position(text, name)
    found = _FEED.fullmatch(clear)
    if found is None:
        raise _unknown(name)
    parts = found[2].split(".")[1:]
    positions = {context: _position(number, name) for context, number in zip(parts[::2], parts[1::2], strict=True)}
    return FeedPosition(_partition(found[1], name), positions)


def _opaque(clear: str) -> str:
    return urlsafe_b64encode(clear.encode()).rstrip(b"=").decode()


def _transparent(text: str, name: str) -> str:
    if len(text) > TEXT_LENGTH_MAX:
        raise _unknown(name)
    try:
        clear = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (BadBase64, ValueError):
        raise _unknown(name) from None
    if _opaque(clear) != text:  # Base64 skips what is not in its alphabet; we do not.
        raise _unknown(name)
    return clear


def _partition(text: str, name: str) -> Partition:
    if (number := int(text)) >= PARTITIONS:
        raise _unknown(name)
    return Partition(number)


def _position(text: str, name: str) -> Position:
    if (number := int(text)) > POSITION_MAX:
        raise _unknown(name)
    return Position(number)


def _unknown(name: str) -> Invalid:
    return Invalid.at(name, f"{name} is no position of ours: pass on what an earlier answer gave, unchanged.")
