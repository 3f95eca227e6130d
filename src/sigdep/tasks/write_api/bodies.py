"""The bodies of the routes that change something. What may be left out defaults to UNSET or null."""

from collections.abc import ItemsView
from datetime import date
from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from msgspec.structs import asdict

from sigdep.contracts.ids import CommentId, LabelId, ProjectId, TaskId, WorkspaceId
from sigdep.http.routes import Body, Parameters
from sigdep.kernel.messages import UNSET, UnsetType
from sigdep.tasks.events.tasks import Priority, Status, TaskRecurrence, TaskReminder
from sigdep.tasks.write_api import shapes
from sigdep.tasks.writing.batches import OPERATIONS_MAX


class Where(Parameters, frozen=True, kw_only=True):
    workspace_id: WorkspaceId | None = None
    """The workspace to create it in. The body may say it as well. Neither: the personal one."""


# ── tasks ───────────────────────────────────────────────────────────────────────────────────────────────


class NewTask(Body, frozen=True, kw_only=True):
    title: shapes.Title
    id: TaskId | None = None
    """A UUIDv7 of your own, so that the request can be repeated. Left out: the server makes one."""
    workspace_id: WorkspaceId | None = None
    """Left out: that of the parent or the project, or else the personal one."""
    project_id: ProjectId | None = None
    parent_id: TaskId | None = None
    """It will be in the project of this one."""
    description: shapes.Description | None = None
    status: Status | None = None
    priority: Priority | None = None
    labels: shapes.Labels | None = None
    assignee_ids: shapes.Assignees | None = None
    """Members of the workspace."""
    scheduled_at: shapes.Instant | None = None
    due_at: shapes.Instant | None = None
    due_on: date | None = None
    """Not together with `due_at`."""
    estimate: shapes.Estimate | None = None
    blocked_by: shapes.Blockers | None = None
    custom: shapes.Custom | None = None
    recurrence: shapes.TaskRecurrenceBody | None = None
    """Needs a date to count from: `due_at`, `due_on` or `scheduled_at`."""
    time_zone: shapes.TimeZone | None = None
    """Where the task recurs and reminds by the clock on the wall. Left out: that of your profile."""
    reminders: shapes.Reminders | None = None
    rank: shapes.Rank | None = None
    before_id: TaskId | None = None
    """It shall come directly before this task."""
    after_id: TaskId | None = None
    """It shall come directly after this task. With neither, it comes last."""


class TaskEdits(Body, frozen=True, kw_only=True):
    """Changes what it names and nothing else. null clears."""

    title: shapes.Title | UnsetType = UNSET
    description: shapes.Description | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    priority: Priority | UnsetType | None = UNSET
    labels: shapes.Labels | UnsetType | None = UNSET
    assignee_ids: shapes.Assignees | UnsetType | None = UNSET
    scheduled_at: shapes.Instant | UnsetType | None = UNSET
    due_at: shapes.Instant | UnsetType | None = UNSET
    due_on: date | UnsetType | None = UNSET
    estimate: shapes.Estimate | UnsetType | None = UNSET
    blocked_by: shapes.Blockers | UnsetType | None = UNSET
    custom: shapes.Custom | UnsetType | None = UNSET
    recurrence: shapes.TaskRecurrenceBody | UnsetType | None = UNSET
    """Named along with another date, the rule is counted from that one. A date alone moves this occurrence only."""
    time_zone: shapes.TimeZone | UnsetType | None = UNSET
    reminders: shapes.Reminders | UnsetType | None = UNSET
    project_id: ProjectId | UnsetType | None = UNSET
    """What is below the task follows."""
    parent_id: TaskId | UnsetType | None = UNSET
    rank: shapes.Rank | UnsetType = UNSET


class TaskMove(Body, frozen=True, kw_only=True):
    """What is below the task follows into the project. Without `rank`, `before_id` and `after_id` it comes last."""

    workspace_id: WorkspaceId | None = None
    """Refused where it is another one: tasks cannot leave their workspace."""
    project_id: ProjectId | UnsetType | None = UNSET
    parent_id: TaskId | UnsetType | None = UNSET
    rank: shapes.Rank | None = None
    before_id: TaskId | None = None
    after_id: TaskId | None = None


class Snooze(Body, frozen=True, kw_only=True):
    until: shapes.Instant
    """The new `scheduled_at`."""


class NewComment(Body, frozen=True, kw_only=True):
    text: shapes.CommentText
    id: CommentId | None = None
    """A UUIDv7 of your own, so that the request can be repeated. Left out: the server makes one."""


class CommentEdits(Body, frozen=True, kw_only=True):
    text: shapes.CommentText


# ── batches ─────────────────────────────────────────────────────────────────────────────────────────────


class Create(NewTask, frozen=True, kw_only=True, tag_field="method", tag="create"):
    """As POST /api/tasks."""


class Update(TaskEdits, frozen=True, kw_only=True, tag_field="method", tag="update"):
    """As PATCH /api/tasks/{id}."""

    id: TaskId


class Move(TaskMove, frozen=True, kw_only=True, tag_field="method", tag="move"):
    """As POST /api/tasks/{id}/move."""

    id: TaskId


class Complete(Body, frozen=True, kw_only=True, tag_field="method", tag="complete"):
    id: TaskId


class Skip(Body, frozen=True, kw_only=True, tag_field="method", tag="skip"):
    id: TaskId


class Reopen(Body, frozen=True, kw_only=True, tag_field="method", tag="reopen"):
    id: TaskId


class Delete(Body, frozen=True, kw_only=True, tag_field="method", tag="delete"):
    """Into the trash."""

    id: TaskId


class Restore(Body, frozen=True, kw_only=True, tag_field="method", tag="restore"):
    id: TaskId


class CommentOn(Body, frozen=True, kw_only=True, tag_field="method", tag="comment"):
    id: TaskId
    text: shapes.CommentText
    comment_id: CommentId | None = None


Operation = Create | Update | Move | Complete | Skip | Reopen | Delete | Restore | CommentOn


class Batch(Body, frozen=True, kw_only=True):
    operations: Annotated[tuple[Operation, ...], Meta(extra_json_schema={"minItems": 1, "maxItems": OPERATIONS_MAX})]
    """All of them happen, or none. Each sees what those before it have done, so that it can refer to their ids."""
    workspace_id: WorkspaceId | None = None
    """Left out: that of the first thing named, or else the personal one."""


# ── projects ────────────────────────────────────────────────────────────────────────────────────────────


class NewProject(Body, frozen=True, kw_only=True):
    name: shapes.Name
    id: ProjectId | None = None
    """A UUIDv7 of your own, so that the request can be repeated. Left out: the server makes one."""
    workspace_id: WorkspaceId | None = None
    description: shapes.Description | None = None
    color: shapes.Color | None = None
    icon: shapes.Icon | None = None
    rank: shapes.Rank | None = None
    before_id: ProjectId | None = None
    after_id: ProjectId | None = None


class ProjectEdits(Body, frozen=True, kw_only=True):
    """Changes what it names and nothing else. null clears."""

    name: shapes.Name | UnsetType = UNSET
    description: shapes.Description | UnsetType | None = UNSET
    color: shapes.Color | UnsetType | None = UNSET
    icon: shapes.Icon | UnsetType | None = UNSET
    rank: shapes.Rank | UnsetType = UNSET


class ProjectMove(Body, frozen=True, kw_only=True):
    """Without `rank`, `before_id` and `after_id` it comes last."""

    rank: shapes.Rank | None = None
    before_id: ProjectId | None = None
    after_id: ProjectId | None = None


# ── labels ──────────────────────────────────────────────────────────────────────────────────────────────


class NewLabel(Body, frozen=True, kw_only=True):
    name: shapes.LabelName
    """Unique in the workspace, without regard to case."""
    id: LabelId | None = None
    """A UUIDv7 of your own, so that the request can be repeated. Left out: the server makes one."""
    workspace_id: WorkspaceId | None = None
    color: shapes.Color | None = None


class LabelEdits(Body, frozen=True, kw_only=True):
    """Changes what it names and nothing else. null clears."""

    name: shapes.LabelName | UnsetType = UNSET
    color: shapes.Color | UnsetType | None = UNSET


def given(body: Struct) -> dict[str, Any]:
    """What the body says, by name, without what it leaves out."""
    return {name: _plain(value) for name, value in _fields(body) if value is not UNSET}


def given_for_new(body: Struct) -> dict[str, Any]:
    """The same for something new, for which null says no more than leaving out."""
    return {name: _plain(value) for name, value in _fields(body) if value is not UNSET and value is not None}


def _fields(body: Struct) -> ItemsView[str, Any]:
    fields = asdict(body)
    for name in _NOT_OF_THE_THING:
        fields.pop(name, None)
    return fields.items()


def _plain(value: Any) -> Any:
    """What a field holds, as commands have it."""
    match value:
        case shapes.TaskRecurrenceBody(rule=rule, anchor=anchor):
            return TaskRecurrence(rule=rule, anchor=anchor)
        case (shapes.TaskReminderBody(), *_):
            return tuple([TaskReminder(at=one.at, before=one.before) for one in value])
        case _:
            return value


_NOT_OF_THE_THING: Final = ("dry_run", "id")
