"""What the short texts of this context may hold: names, devices, locales."""

import unicodedata
from re import compile as pattern
from typing import Final

from sigdep.kernel.errors import Invalid

NAME_LENGTH_MAX: Final = 200
DEVICE_LENGTH_MAX: Final = 200
LOCALE_LENGTH_MAX: Final = 35
"""RFC 5646 §4.4.1 asks for as many at the least."""

LOCALE_PATTERN: Final = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"

_LOCALE: Final = pattern(LOCALE_PATTERN.removesuffix("$"))
_LINE_BREAKS: Final = frozenset("\t\n\r\x85\u2028\u2029")


def check_line(text: str, pointer: str, *, length_max: int = NAME_LENGTH_MAX) -> str:
    """The text without the space around it.

    Raises:
        Invalid: it is empty, too long, or more than one line.
    """
    line = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(line) <= length_max:
        raise Invalid.at(pointer, f"This needs between 1 and {length_max} characters.")
    if any(char in _LINE_BREAKS or unicodedata.category(char) in ("Cc", "Cs") for char in line):
        raise Invalid.at(pointer, "This must be one line, without control characters.")
    return line


def check_locale(locale: str) -> None:
    """
    Raises:
        Invalid: it is no language tag (BCP 47).
    """
    if len(locale) > LOCALE_LENGTH_MAX or not _LOCALE.fullmatch(locale):
        raise Invalid.at("/locale", "This is no language tag, as in en-GB (BCP 47).")
