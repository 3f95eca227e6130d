"""Reads a request's JSON: as much of it as we take, in the shape that the route asks for, every fault by its place."""

from re import compile as pattern
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import DecodeError, ValidationError
from starlette.types import Message, Receive

from sigdep.http.bounds import INTEGER_DIGITS_MIN, bounds_of
from sigdep.http.exchange import Exchange
from sigdep.http.faults import control_characters_of, faults_of
from sigdep.http.refusals import BodyTooLarge, Malformed, UnsupportedMediaType
from sigdep.kernel.errors import Fault, Invalid

B = TypeVar("B")

BODY_BYTES_MAX: Final = 1_048_576
DEPTH_MAX: Final = 32
"""Objects and arrays within each other."""

SKIPPED_BYTES_MAX: Final = 134_217_728
"""A body that says it is over the limit, but not over this, is skipped, and the connection lives on."""

DRAINED_BYTES_MAX: Final = 16_777_216
"""Of a body that does not say how long it is, so much is read past the limit, so that its sender hears why."""

_MEDIA_TYPES: Final = frozenset((b"application/json", b"application/merge-patch+json"))

_SUSPECT: Final = pattern(rb"\\(?:[bf]|u00(?:[0189]|7[fF]))|\x7f|\xc2[\x80-\x9f]")
"""What a control character in a JSON string looks like, and a little more."""

_LONG_NUMBER: Final = pattern(rb"\d{%d}" % INTEGER_DIGITS_MIN)
_STRING: Final = pattern(rb'(?s)"[^"\\]*+(?:\\.[^"\\]*+)*+"?')
"""Possessive, and content with a string that never ends: a hostile body takes no longer than another."""

_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_OTHERS: Final = bytes(code for code in range(256) if code not in b"{}[]")


async def read_body(exchange: Exchange, receive: Receive, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """The whole body.

    Raises:
        BodyTooLarge: over `bytes_max`.
        Malformed: the client went away before its end.
    """
    length = exchange.headers.get(b"content-length")
    if length is not None and int(length) > bytes_max:
        raise _too_large(bytes_max, close=int(length) > SKIPPED_BYTES_MAX)
    exchange.reading = True
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body", False) or message["type"] == "http.disconnect":
        body = await _read_on(receive, message, bytes_max)
    exchange.reading = False
    if len(body) > bytes_max:
        raise _too_large(bytes_max, close=False)
    return body


def _too_large(bytes_max: int, *, close: bool) -> BodyTooLarge:
    return BodyTooLarge(f"The body has more than {bytes_max:,} bytes; send less at once.", close=close)


async def _read_on(receive: Receive, message: Message, bytes_max: int) -> bytes:
    """The rest of a body that comes in several parts. Chunked ones do not say beforehand how long they are."""
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise Malformed("The connection ended before the body did.")
        part = message.get("body", b"")
        size += len(part)
        if size <= bytes_max:
            parts.append(part)
        elif size > bytes_max + DRAINED_BYTES_MAX:
            raise _too_large(bytes_max, close=True)
        if not message.get("more_body", False):
            break
        message = await receive()
    if size > bytes_max:
        raise _too_large(bytes_max, close=False)
    return b"".join(parts)


class BodyReader(Generic[B]):
    """Reads the bodies of one route."""

    bytes_max: int = BODY_BYTES_MAX

    def __init__(self, kind: type[B], *, media_types: frozenset[bytes] = _MEDIA_TYPES) -> None:
        self._kind = kind
        self._media_types = media_types
        self._decode = msgspec.json.Decoder(kind).decode
        self._bounds = bounds_of(kind, numbers=False)
        self._bounds_of_numbers = bounds_of(kind, numbers=True)
        self._when_empty = _default(kind)

    @property
    def required(self) -> bool:
        """False: no body at all says the same as `{}`."""
        return self._when_empty is None

    def read(self, body: bytes, headers: Any) -> B:
        """
        Raises:
            UnsupportedMediaType: it is not said to be JSON, or is compressed.
            Malformed: it is not JSON in UTF-8.
            Invalid: it is not what the route asks for; names every fault.
        """
        if not body and self._when_empty is not None:
            return self._when_empty
        self._require_json(headers)
        try:
            if _too_deep(body):
                raise Invalid.at("", f"Objects and arrays may be nested {DEPTH_MAX} deep at most.")
            value = self._decode(body)
        except (ValidationError, DecodeError, UnicodeDecodeError) as error:
            raise self._refusal(body, error) from None
        if not body.isascii() or b"\\" in body or b"\x7f" in body:
            _refuse_control_characters(body)
        bounds = self._bounds_of_numbers if _LONG_NUMBER.search(body) else self._bounds
        if bounds is not None and (faults := bounds(value)):
            raise invalid(faults)
        return value

    def _require_json(self, headers: Any) -> None:
        given = headers.get(b"content-type")
        if given not in self._media_types and not self._is_json(given or b""):
            raise UnsupportedMediaType("Send the body as JSON, with Content-Type: application/json.")
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")

    def _is_json(self, content_type: bytes) -> bool:
        media_type, _, parameters = content_type.lower().partition(b";")
        charset = parameters.strip().replace(b" ", b"").replace(b'"', b"")
        return media_type.strip() in self._media_types and charset in (b"", b"charset=utf-8")

    def _refusal(self, body: bytes, error: Exception) -> Exception:
        """Says everything that can be said against the body. Slow, and only done when there is something."""
        if isinstance(error, UnicodeDecodeError):
            return Malformed("The body is not UTF-8.")
        try:
            body.decode()
            plain = msgspec.json.decode(body)
        except UnicodeDecodeError:
            return Malformed("The body is not UTF-8.")
        except ValidationError as ours:  # A number that no machine can hold is a ValidationError without a type.
            return invalid([Fault("", str(ours).partition(" - at ")[0] + ".")])
        except DecodeError as syntax:
            return Malformed(f"The body is not JSON: {syntax}.")
        faults = [*control_characters_of(plain), *faults_of(plain, self._kind)]
        return invalid(faults or [Fault("", str(error))])


def invalid(faults: list[Fault]) -> Invalid:
    """One refusal for several faults: the first is its sentence."""
    return Invalid(
        faults[0].detail if len(faults) == 1 else f"{len(faults)} things are wrong with this request.", faults
    )


def _default(kind: type[B]) -> B | None:
    """What `{}` says. None: `{}` says too little."""
    try:
        return msgspec.json.decode(b"{}", type=kind)
    except ValidationError:
        return None


def _too_deep(body: bytes) -> bool:
    """Whether objects and arrays nest deeper than DEPTH_MAX, found without recursion and without decoding.

    Taking away every `[]` at once takes away one level, so that DEPTH_MAX rounds leave nothing of what is allowed.
    """
    if body.count(b"{") + body.count(b"[") <= DEPTH_MAX:
        return False
    brackets = _STRING.sub(b"", body).translate(_BRACKETS, _OTHERS)
    for _ in range(DEPTH_MAX):
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets.strip(b"]"))


def _refuse_control_characters(body: bytes) -> None:
    if _SUSPECT.search(body) and (faults := control_characters_of(msgspec.json.decode(body))):
        raise invalid(faults)
