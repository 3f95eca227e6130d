"""Content lines (RFC 5545 §3.1, RFC 6868): from octets, unfolded, and back, folded."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from msgspec import Struct

from sigdep.ical.refusals import UnreadableCalendar

OCTETS_MAX: Final = 6_000_000
"""Ten thousand events as Google exports them."""
LINES_MAX: Final = 250_000
"""As they stand, folded."""
FOLDED_OCTETS_MAX: Final = 75

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_BREAKS: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""All that somebody takes for the end of a line."""
_VALUE: Final = r'(?:"[^"]*+"|[^";:,][^;:,]*+|)'
"""A quote that does not begin the value is forgiven."""
_PARAMETER: Final = re.compile(rf";([A-Za-z0-9-]{{1,80}}+)=({_VALUE}(?:,{_VALUE})*+)")
_PARAMETERS: Final = rf"(?:;[A-Za-z0-9-]{{1,80}}+={_VALUE}(?:,{_VALUE})*+)*+"
_LINE: Final = re.compile(rf"([A-Za-z0-9-]{{1,80}}+)({_PARAMETERS}):(.*+)")
_ENCODED: Final = re.compile(r"\^[n^']")
_DECODE: Final = {"^n": "\n", "^^": "^", "^'": '"'}
_ENCODE: Final = str.maketrans({"\n": "^n", "^": "^^", '"': "^'"})


class Line(Struct, frozen=True, gc=False):
    """One property: its name in capitals, what stands between the name and the value, and the value, escaped."""

    name: str
    written_parameters: str
    value: str
    text: str
    """The whole line as it was written."""
    number: int


def unfold(octets: bytes) -> Iterator[tuple[int, str]]:
    """The lines with the number of their beginning, without controls and empty lines. They end in CRLF, in LF or in CR,
    and may be folded anywhere, also within a character.

    Raises:
        UnreadableCalendar: it is too large, or not UTF-8.
    """
    if len(octets) > OCTETS_MAX:
        raise UnreadableCalendar(f"A calendar is at most {OCTETS_MAX:,} octets; this one has {len(octets):,}.")
    folded = octets.removeprefix(_BYTE_ORDER_MARK).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if (count := folded.count(b"\n")) >= LINES_MAX:
        raise UnreadableCalendar(f"A calendar has at most {LINES_MAX:,} lines; this one has {count + 1:,}.")
    parts: list[bytes] = []
    beginning = 1
    for number, part in enumerate(folded.split(b"\n"), 1):
        if part[:1] in (b" ", b"\t"):
            parts.append(part[1:])
            continue
        if parts and (text := _decode(parts, beginning)):
            yield beginning, text
        parts, beginning = [part] if part else [], number
    if parts and (text := _decode(parts, beginning)):
        yield beginning, text


def _decode(parts: list[bytes], number: int) -> str:
    try:
        return _CONTROLS.sub("", b"".join(parts).decode())
    except UnicodeDecodeError as error:
        raise UnreadableCalendar(
            f"octet {error.start + 1:,} is not UTF-8. Save the calendar as UTF-8 and try again.", number
        ) from None


def read_line(text: str, number: int = 0) -> Line | None:
    """None for what is no content line."""
    found = _LINE.fullmatch(text)
    return None if found is None else Line(found[1].upper(), found[2], found[3], text, number)


def read_parameters(written: str, known: Collection[str]) -> tuple[dict[str, str], str]:
    """Those of which we know the meaning, and the others as they are written. Of several with one name the first is
    meant."""
    if not written:
        return {}, ""
    read: dict[str, str] = {}
    rest: list[str] = []
    for found in _PARAMETER.finditer(written):
        name = found[1].upper()
        if name not in known:
            rest.append(found[0])
        elif name not in read:
            read[name] = _read_value(found[2])
    return read, "".join(rest)


def _read_value(value: str) -> str:
    plain = value.replace('"', "") if value.startswith('"') else value
    return _ENCODED.sub(lambda found: _DECODE[found[0]], plain) if "^" in plain else plain


def are_parameters(written: str) -> bool:
    """Whether the text can stand between the name of a property and its colon."""
    return re.fullmatch(_PARAMETERS, written) is not None and without_breaks(written) == written


def write_parameters(parameters: Iterable[tuple[str, str]]) -> str:
    """Those that are empty are left out. No value can end the line, or begin another parameter."""
    return "".join(f";{name}={_write_value(value)}" for name, value in parameters if value)


def _write_value(value: str) -> str:
    plain = _CONTROLS.sub("", _BREAKS.sub("\n", value)).translate(_ENCODE)
    return f'"{plain}"' if any(sign in plain for sign in ":;,") else plain


def without_breaks(text: str) -> str:
    """The text without anything that ends a line, or is a control: for values that know no escapes, as addresses."""
    return _CONTROLS.sub("", _BREAKS.sub("", text))


def with_one_kind_of_break(text: str) -> str:
    """The text with nothing but newlines to end its lines, and without controls."""
    return _CONTROLS.sub("", _BREAKS.sub("\n", text))


def fold(text: str) -> bytes:
    """The line, of at most 75 octets or folded, never inside a character, with its CRLF. It holds no break."""
    octets = text.encode("utf-8", "replace")
    if len(octets) <= FOLDED_OCTETS_MAX:
        return octets + b"\r\n"
    parts: list[bytes] = []
    begin, length = 0, FOLDED_OCTETS_MAX
    while len(octets) - begin > length:
        end = begin + length
        while octets[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(octets[begin:end])
        begin, length = end, FOLDED_OCTETS_MAX - 1
    return b"\r\n ".join((*parts, octets[begin:])) + b"\r\n"
