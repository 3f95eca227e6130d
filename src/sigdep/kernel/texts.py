"""Texts that people write, in the form in which they are kept."""

import re
from typing import Final

from sigdep.kernel.errors import Invalid

CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
CONTROL_IN_LINES: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")


def line(text: str, length_max: int, pointer: str, what: str) -> str:
    """One line of text, without the white space around it.

    Raises:
        Invalid: nothing is left, it is too long, or it holds control characters or line breaks.
    """
    text = text.strip()
    if not text:
        raise Invalid.at(pointer, f"{what} must hold more than white space.")
    if len(text) > length_max:
        raise Invalid.at(pointer, f"{what} may have {length_max:,} characters at most; this one has {len(text):,}.")
    if not text.isprintable() and CONTROL.search(text):
        raise Invalid.at(pointer, f"{what} must be one line without control characters.")
    return text


def lines(text: str | None, length_max: int, pointer: str, what: str) -> str | None:
    """A longer text, as it is. An empty one is none.

    Raises:
        Invalid: it is too long, or holds control characters other than tabs and line breaks.
    """
    if not text:
        return None
    if len(text) > length_max:
        raise Invalid.at(pointer, f"{what} may have {length_max:,} characters at most; this one has {len(text):,}.")
    if not text.isprintable() and CONTROL_IN_LINES.search(text):
        raise Invalid.at(pointer, f"{what} must not hold control characters.")
    return text
