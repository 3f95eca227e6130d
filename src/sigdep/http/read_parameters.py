"""What may stand behind the `?` of a route that reads, whatever it reads: at which time, and which page."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, ValidationError, convert

from sigdep.http.positions import decode_position
from sigdep.http.routes import PAGE_ITEMS, PAGE_ITEMS_MAX, Parameters
from sigdep.kernel.errors import Invalid
from sigdep.reading.moments import Moment

AT_LENGTH_MAX: Final = 512

Limit = Annotated[int, Meta(ge=1, le=PAGE_ITEMS_MAX, description="Items on one page.")]
Cursor = Annotated[str, Meta(description="`next_cursor` of the page before. All other parameters as they were.")]
At = Annotated[
    str,
    Meta(
        description="An instant (RFC 3339) or a position (of a write, a read or a history): the state as it was then. "
        "Lists: up to the first 100,000 events of the workspace's partition of the log; after those 422.",
        examples=["2026-11-22T09:30:00Z"],
    ),
]


class OneParameters(Parameters, frozen=True, kw_only=True):
    at: At | None = None


class PageParameters(OneParameters, frozen=True, kw_only=True):
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS


class HistoryParameters(Parameters, frozen=True, kw_only=True):
    order: Literal["newest", "oldest"] = "newest"
    """Which come first."""
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS


def moment_of(at: str | None) -> Moment | None:
    """
    Raises:
        Invalid: neither an instant nor a position.
    """
    if at is None:
        return None
    instant = _instant(at)
    return instant if instant is not None else _position(at)


def _instant(at: str) -> datetime | None:
    if len(at) > AT_LENGTH_MAX:
        return None
    try:
        instant: datetime = convert(at, datetime)
        return instant.astimezone(UTC) if instant.tzinfo is not None else None
    except (ValidationError, OverflowError):
        return None


def _position(at: str) -> Moment:
    try:
        return decode_position(at, "at")
    except Invalid:
        raise Invalid.at(
            "at",
            "at takes an instant, as in 2026-11-22T09:30:00Z, or a position that a write, a read or a history gave.",
        ) from None
