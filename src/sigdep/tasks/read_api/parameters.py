"""What may stand behind the `?` of the routes that read."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, ValidationError, convert

from sigdep.contracts.ids import WorkspaceId
from sigdep.http.positions import decode_position
from sigdep.http.routes import PAGE_ITEMS, PAGE_ITEMS_MAX, Parameters
from sigdep.kernel.errors import Invalid
from sigdep.reading.moments import Moment
from sigdep.tasks.events import Priority, Status
from sigdep.tasks.queries import ProjectSort, TaskSort

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
Bound = Annotated[
    str,
    Meta(
        description="An instant, or a date in any words of the filter language, as in `2026-12-01`, `tomorrow` or "
        "`end of month`. A date before which something is counts from its beginning, one after which from its end.",
        examples=["2026-12-01T09:00:00Z", "next week"],
    ),
]
Workspace = Annotated[WorkspaceId, Meta(description="Left out: the personal one.")]


class OneParameters(Parameters, frozen=True, kw_only=True):
    at: At | None = None


class TaskParameters(OneParameters, frozen=True, kw_only=True):
    workspace_id: Workspace | None = None
    """Where a number such as `T-42` counts. Left out: the personal one."""


class PageParameters(OneParameters, frozen=True, kw_only=True):
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS


class TaskListParameters(PageParameters, frozen=True, kw_only=True):
    workspace_id: Workspace | None = None
    status: tuple[Status, ...] = ()
    priority: tuple[Priority, ...] = ()
    project_id: tuple[str, ...] = ()
    """Ids, or `none`. Several: any of them."""
    parent_id: tuple[str, ...] = ()
    """Ids or numbers as in `T-42`, or `none`. Several: any of them."""
    label: tuple[str, ...] = ()
    """Names or ids, or `none`. Several: any of them."""
    assignee_id: tuple[str, ...] = ()
    """Ids, `me`, or `none`. Several: any of them."""
    due_before: Bound | None = None
    due_after: Bound | None = None
    scheduled_before: Bound | None = None
    scheduled_after: Bound | None = None
    q: Annotated[str, Meta(max_length=500)] | None = None
    """Words, each of which must begin a word of the title or the description."""
    open: bool | None = None
    """true: `open` or `in_progress`."""
    blocked: bool | None = None
    """true: waiting for another task that is open."""
    trashed: bool | None = None
    """true: what is in the trash. Left out: what is not, unless the filter speaks of `trashed`."""
    archived: bool = False
    """true: also tasks in projects that are archived or in the trash. They are shown, too, where a project is named."""
    filter: str | None = None
    """An expression of the filter language, as in `due < tomorrow and (priority >= high or label:work)`."""
    time_zone: str | None = None
    """IANA name: where days begin and end. Left out: that of your profile."""
    sort: TaskSort = "due_at"
    """With a minus: the greatest first. Tasks without a value come last. `priority` grows from none to urgent."""


class SubtaskParameters(PageParameters, frozen=True, kw_only=True):
    trashed: bool = False
    """true: those in the trash."""


class ProjectListParameters(PageParameters, frozen=True, kw_only=True):
    workspace_id: Workspace | None = None
    status: tuple[Literal["active", "archived"], ...] = ()
    """Left out: both."""
    trashed: bool = False
    """true: what is in the trash."""
    sort: ProjectSort = "rank"


class LabelListParameters(PageParameters, frozen=True, kw_only=True):
    workspace_id: Workspace | None = None
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
