"""What the texts and lists of tasks, projects and labels may hold, and in which form they are kept."""

import re
import unicodedata
from collections.abc import Collection, Hashable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec

from sigdep.kernel.errors import Invalid
from sigdep.kernel.texts import CONTROL, line, lines

H = TypeVar("H", bound=Hashable)

TITLE_LENGTH_MAX: Final = 500
DESCRIPTION_LENGTH_MAX: Final = 65_536
COMMENT_LENGTH_MAX: Final = 16_384
NAME_LENGTH_MAX: Final = 200
LABEL_LENGTH_MAX: Final = 100
ICON_LENGTH_MAX: Final = 50
ESTIMATE_LENGTH_MAX: Final = 32

LABELS_MAX: Final = 50
ASSIGNEES_MAX: Final = 50
BLOCKERS_MAX: Final = 100

CUSTOM_KEYS_MAX: Final = 50
CUSTOM_KEY_LENGTH_MAX: Final = 100
CUSTOM_BYTES_MAX: Final = 16_384
CUSTOM_DEPTH_MAX: Final = 5
"""Objects and arrays within each other, the custom object itself among them."""

COLOR_PATTERN: Final = "^#[0-9a-fA-F]{6}$"
ESTIMATE_PATTERN: Final = (
    "^P(?=[0-9T])([0-9]{1,4}W|([0-9]{1,5}D)?(T(?=[0-9])([0-9]{1,6}H)?([0-9]{1,7}M)?([0-9]{1,8}S)?)?)$"
)
"""RFC 5545 §3.3.6, without a sign."""

_COLOR: Final = re.compile(COLOR_PATTERN)
_ESTIMATE: Final = re.compile(ESTIMATE_PATTERN)

_encode = msgspec.json.Encoder().encode


def title(text: str) -> str:
    return line(text, TITLE_LENGTH_MAX, "/title", "A title")


def description(text: str | None) -> str | None:
    return lines(text, DESCRIPTION_LENGTH_MAX, "/description", "A description")


def comment(text: str) -> str:
    kept = lines(text, COMMENT_LENGTH_MAX, "/text", "A comment")
    if kept is None or not kept.strip():
        raise Invalid.at("/text", "A comment must hold more than white space.")
    return kept


def color(text: str | None) -> str | None:
    if text is not None and not _COLOR.fullmatch(text):
        raise Invalid.at("/color", "A color is six hexadecimal digits behind a #, as in #1e90ff.")
    return None if text is None else text.lower()


def icon(text: str | None) -> str | None:
    return None if text is None else line(text, ICON_LENGTH_MAX, "/icon", "An icon")


def estimate(text: str | None) -> str | None:
    if text is not None and (len(text) > ESTIMATE_LENGTH_MAX or not _ESTIMATE.fullmatch(text)):
        raise Invalid.at("/estimate", "An estimate is an ISO 8601 duration in weeks, or days and time, as in PT1H30M.")
    return text


def instant(at: datetime | None, pointer: str) -> datetime | None:
    """The same instant in UTC.

    Raises:
        Invalid: it has no offset, or is at the very end of all years.
    """
    if at is None or at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise Invalid.at(pointer, "An instant needs its offset from UTC, as in 2026-12-01T09:00:00Z.")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise Invalid.at(pointer, "No calendar goes that far.") from None


def each_once(items: Sequence[H], items_max: int, pointer: str, what: str) -> tuple[H, ...]:
    """The items in their order, each once.

    Raises:
        Invalid: there are too many.
    """
    if len(items) > items_max:
        raise Invalid.at(pointer, f"A task may have {items_max} {what} at most; these are {len(items)}.")
    return tuple(dict.fromkeys(items))


def custom(fields: dict[str, Any]) -> dict[str, Any]:
    """The custom fields of a task, checked as a whole.

    Raises:
        Invalid: there are too many, they are too large or too deep, or a name makes no sense.
    """
    if not fields:
        return fields
    if len(fields) > CUSTOM_KEYS_MAX:
        raise Invalid.at("/custom", f"A task may have {CUSTOM_KEYS_MAX} custom fields at most.")
    for name in fields:
        if not 0 < len(name) <= CUSTOM_KEY_LENGTH_MAX or CONTROL.search(name):
            raise Invalid.at(
                "/custom", f"The name of a custom field has 1 to {CUSTOM_KEY_LENGTH_MAX} characters, on one line."
            )
    if _deeper_than(fields, CUSTOM_DEPTH_MAX):
        raise Invalid.at("/custom", f"Custom fields may be nested {CUSTOM_DEPTH_MAX} deep at most.")
    if len(_encode(fields)) > CUSTOM_BYTES_MAX:
        raise Invalid.at("/custom", f"Custom fields may take {CUSTOM_BYTES_MAX:,} bytes of JSON at most.")
    return fields


def _deeper_than(value: Any, depth_max: int) -> bool:
    parts: Collection[Any]
    if isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, list | tuple):
        parts = value
    else:
        return False
    return depth_max == 0 or any(_deeper_than(part, depth_max - 1) for part in parts)


def folded_name(name: str) -> str:
    """What two names have in common that only differ in case, or in how their characters are composed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
