"""What can be asked about tasks, projects and labels, and the shapes of those answers that are no document."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import LabelId, ProjectId, TaskId, WorkspaceId
from sigdep.kernel.ids import Position
from sigdep.kernel.messages import Query
from sigdep.reading.moments import Moment
from sigdep.tasks.events.tasks import Priority, Status

TaskSort = Literal[
    "due_at",
    "-due_at",
    "rank",
    "-rank",
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "priority",
    "-priority",
    "number",
    "-number",
]
"""With a minus: the greatest first. Tasks without a value come last either way."""

ProjectSort = Literal["rank", "-rank", "name", "-name", "created_at", "-created_at", "updated_at", "-updated_at"]


Side = Literal["before", "after"]
"""Of a rank."""


class GetTask(Query):
    """By its id, or by its number in a workspace."""

    task_id: TaskId | None = None
    number: int | None = None
    workspace_id: WorkspaceId | None = None
    """Where the number counts. None: the personal one."""
    at: Moment | None = None


class ListTasks(Query):
    """The tasks of one workspace. Several values of one field: any of them; several fields: all of them."""

    workspace_id: WorkspaceId | None = None
    """None: the personal one."""
    status: tuple[Status, ...] = ()
    priority: tuple[Priority, ...] = ()
    project_id: tuple[str, ...] = ()
    """Ids, names, or `none`. Where it is given, archived projects may be named."""
    parent_id: tuple[str, ...] = ()
    """Ids, numbers as in `T-42`, or `none`."""
    label: tuple[str, ...] = ()
    """Names, ids, or `none`."""
    assignee_id: tuple[str, ...] = ()
    """Ids, `me`, or `none`."""
    due_before: str | None = None
    """An instant, or a date in whatever words the filter language has for it."""
    due_after: str | None = None
    scheduled_before: str | None = None
    scheduled_after: str | None = None
    q: str | None = None
    """Words to look for in titles and descriptions."""
    open: bool | None = None
    blocked: bool | None = None
    trashed: bool | None = None
    """None: not in the trash, unless the filter speaks of it."""
    archived: bool = False
    """True: also those in projects that are archived or in the trash."""
    filter: str | None = None
    time_zone: str | None = None
    """IANA name. In it days begin and end. None: UTC."""
    sort: TaskSort = "due_at"
    cursor: str | None = None
    limit: int = 50
    at: Moment | None = None


class ListSubtasks(Query):
    """The tasks directly below a task, as their people have arranged them."""

    task_id: TaskId
    trashed: bool = False
    cursor: str | None = None
    limit: int = 50
    at: Moment | None = None


class ListComments(Query):
    """Oldest first."""

    task_id: TaskId
    cursor: str | None = None
    limit: int = 50
    at: Moment | None = None


class GetProject(Query):
    project_id: ProjectId
    at: Moment | None = None


class ListProjects(Query):
    workspace_id: WorkspaceId | None = None
    status: tuple[Literal["active", "archived"], ...] = ()
    """None named: both."""
    trashed: bool = False
    sort: ProjectSort = "rank"
    cursor: str | None = None
    limit: int = 50
    at: Moment | None = None


class GetLabel(Query):
    label_id: LabelId
    at: Moment | None = None


class ListLabels(Query):
    """By name."""

    workspace_id: WorkspaceId | None = None
    trashed: bool = False
    cursor: str | None = None
    limit: int = 50
    at: Moment | None = None


class GetHistory(Query):
    """What has happened to one thing, event by event."""

    thing: Literal["task", "project", "label"]
    id: TaskId | ProjectId | LabelId
    newest_first: bool = False
    cursor: str | None = None
    limit: int = 50


# ── asked by the writing side of this context, on behalf of nobody ──────────────────────────────────────


class FindTaskRank(Query):
    """The nearest rank on one side of another among the tasks of one project (or none) below one task (or none)."""

    workspace_id: WorkspaceId
    project_id: ProjectId | None
    parent_id: TaskId | None
    rank: str
    side: Side


class FindProjectRank(Query):
    """The nearest rank on one side of another among the workspace's projects."""

    workspace_id: WorkspaceId
    rank: str
    side: Side


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────


class Change(Struct, frozen=True, kw_only=True):
    """One field, before and after."""

    field: str
    """A field's name; `custom.<key>` for a custom field; `comments.<id>` for the text of a comment."""
    before: Any
    after: Any


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """One event in the history of a thing."""

    version: int
    """Of the thing, by this event."""
    position: Position
    """In the log."""
    event: str
    at: datetime
    """When it was stored."""
    by: UUID | None
    """The user. null: the system itself."""
    client: str | None
    """Through what: `session`, `token`, `reaction`."""
    credential_id: UUID | None
    """The session's or token's id."""
    request_id: str | None
    erased: bool
    """What it said has been erased together with the key that it was sealed with."""
    changes: Sequence[Change]


class History(Struct, frozen=True, kw_only=True):
    """One page of a history."""

    workspace_id: WorkspaceId
    entries: Sequence[HistoryEntry]
    next_cursor: str | None
