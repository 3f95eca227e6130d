"""What may stand behind the `?` of the routes that read."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, ValidationError, convert, field

from sigdep.contracts.ids import CalendarId, UserId, WorkspaceId
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
        description="An instant (RFC 3339) or a position (as `Sigdep-Position` gave it): the state as it was then.",
        examples=["2026-11-22T09:30:00Z"],
    ),
]
Workspace = Annotated[WorkspaceId, Meta(description="Left out: the personal one.")]
Instant = Annotated[datetime, Meta(tz=True)]


class OneParameters(Parameters, frozen=True, kw_only=True):
    at: At | None = None


class OccurrenceParameters(OneParameters, frozen=True, kw_only=True):
    time_zone: str | None = None
    """IANA name: from where days and floating times are seen. Left out: that of your profile."""


class PageParameters(OneParameters, frozen=True, kw_only=True):
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS


class OccurrenceListParameters(PageParameters, frozen=True, kw_only=True):
    since: Instant | None = field(name="from", default=None)
    """Left out: now."""
    until: Instant | None = field(name="to", default=None)
    """Excluded. Left out: 31 days later."""
    calendar_id: tuple[CalendarId, ...] = ()
    """Several: all of them, which are in one workspace. Left out: those of the workspace that are not archived."""
    workspace_id: WorkspaceId | None = None
    """Left out: that of the calendar; without one, the personal one."""
    q: Annotated[str, Meta(max_length=500)] | None = None
    """Words, each of which must begin a word of the title, the description or the location."""
    time_zone: str | None = None
    """IANA name: from where days and floating times are seen. Left out: that of your profile."""


class BusyParameters(Parameters, frozen=True, kw_only=True):
    since: Instant = field(name="from")
    until: Instant = field(name="to")
    """Excluded."""
    user_ids: tuple[UserId, ...] = ()
    """Left out: yourself."""
    time_zone: str | None = None
    """IANA name: from where days and floating times are seen. Left out: that of your profile."""


class CalendarListParameters(PageParameters, frozen=True, kw_only=True):
    workspace_id: Workspace | None = None
    archived: bool | None = None
    """Left out: both."""
    trashed: bool = False
    """true: what is in the trash."""


class KeptParameters(PageParameters, frozen=True, kw_only=True):
    uid: str | None = None
    trashed: bool = False
    """true: what is in the trash."""


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
            "at", "at takes an instant, as in 2026-11-22T09:30:00Z, or a position that an earlier answer gave."
        ) from None
