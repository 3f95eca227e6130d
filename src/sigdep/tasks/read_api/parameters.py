"""What may stand behind the `?` of the routes that read."""

from typing import Annotated, Literal

from msgspec import Meta

from sigdep.contracts.ids import WorkspaceId
from sigdep.http.read_parameters import OneParameters, PageParameters
from sigdep.tasks.events.tasks import Priority, Status
from sigdep.tasks.queries import ProjectSort, TaskSort

Bound = Annotated[
    str,
    Meta(
        description="An instant, or a date in any words of the filter language, as in `2026-12-01`, `tomorrow` or "
        "`end of month`. A date before which something is counts from its beginning, one after which from its end.",
        examples=["2026-12-01T09:00:00Z", "next week"],
    ),
]
Workspace = Annotated[WorkspaceId, Meta(description="Left out: the personal one.")]


class TaskParameters(OneParameters, frozen=True, kw_only=True):
    workspace_id: Workspace | None = None
    """Where a number such as `T-42` counts. Left out: the personal one."""


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
