"""What is asked of tasks."""

from datetime import date, datetime
from typing import Any

from sigdep.contracts.ids import CommentId, ProjectId, TaskId, UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Command, UnsetType, field
from sigdep.tasks.events.tasks import Priority, Status, TaskRecurrence, TaskReminder


class CreateTask(Command):
    by: UserId
    at: datetime
    title: str
    task_id: TaskId | None = None
    """None: made from the command's own id."""
    workspace_id: WorkspaceId | None = None
    """None: that of the parent or the project; where there is neither, the personal one."""
    project_id: ProjectId | None = None
    parent_id: TaskId | None = None
    description: str | None = None
    status: Status = "open"
    priority: Priority = "none"
    labels: tuple[str, ...] = ()
    """Ids or names."""
    assignee_ids: tuple[UserId, ...] = ()
    scheduled_at: datetime | None = None
    due_at: datetime | None = None
    due_on: date | None = None
    estimate: str | None = None
    blocked_by: tuple[TaskId, ...] = ()
    custom: dict[str, Any] = field(default_factory=dict)
    recurrence: TaskRecurrence | None = None
    time_zone: str | None = None
    """IANA name. None: that of the caller's profile, where the task recurs or reminds."""
    reminders: tuple[TaskReminder, ...] = ()
    rank: str | None = None
    before_id: TaskId | None = None
    """It shall come directly before this one."""
    after_id: TaskId | None = None
    """It shall come directly after this one."""


class EditTask(Command):
    task_id: TaskId
    by: UserId
    at: datetime
    title: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    labels: tuple[str, ...] | UnsetType = UNSET
    """Ids or names."""
    assignee_ids: tuple[UserId, ...] | UnsetType = UNSET
    scheduled_at: datetime | UnsetType | None = UNSET
    due_at: datetime | UnsetType | None = UNSET
    due_on: date | UnsetType | None = UNSET
    estimate: str | UnsetType | None = UNSET
    blocked_by: tuple[TaskId, ...] | UnsetType = UNSET
    custom: dict[str, Any] | UnsetType | None = UNSET
    """Changes the keys that it names: None takes a key away. None in its place takes all away."""
    recurrence: TaskRecurrence | UnsetType | None = UNSET
    time_zone: str | UnsetType | None = UNSET
    reminders: tuple[TaskReminder, ...] | UnsetType = UNSET
    project_id: ProjectId | UnsetType | None = UNSET
    parent_id: TaskId | UnsetType | None = UNSET
    rank: str | UnsetType = UNSET


class MoveTask(Command):
    """Where a task stands: in which project, below which task, between which neighbours.

    Its subtasks follow it into another project. Without a neighbour or rank it comes last.
    """

    task_id: TaskId
    by: UserId
    at: datetime
    workspace_id: WorkspaceId | None = None
    """Refused where it is not the task's own."""
    project_id: ProjectId | UnsetType | None = UNSET
    parent_id: TaskId | UnsetType | None = UNSET
    rank: str | None = None
    before_id: TaskId | None = None
    after_id: TaskId | None = None


class CompleteTask(Command):
    """Open subtasks and blockers stop nobody: what is done is done. A task that recurs is followed by the next."""

    task_id: TaskId
    by: UserId
    at: datetime


class SkipTask(Command):
    """Have the next occurrence, without doing this one."""

    task_id: TaskId
    by: UserId
    at: datetime


class ReopenTask(Command):
    """The next occurrence goes into the trash, if nobody has touched it."""

    task_id: TaskId
    by: UserId
    at: datetime


class SnoozeTask(Command):
    task_id: TaskId
    until: datetime
    by: UserId
    at: datetime


class TrashTask(Command):
    """All that is below it goes along."""

    task_id: TaskId
    by: UserId
    at: datetime


class RestoreTask(Command):
    """What went into the trash along with it comes back along with it."""

    task_id: TaskId
    by: UserId
    at: datetime


class CommentOnTask(Command):
    task_id: TaskId
    text: str
    by: UserId
    at: datetime
    comment_id: CommentId | None = None
    """None: made from the command's own id."""


class EditComment(Command):
    task_id: TaskId
    comment_id: CommentId
    text: str
    by: UserId
    at: datetime


class DeleteComment(Command):
    task_id: TaskId
    comment_id: CommentId
    by: UserId
    at: datetime


TaskCommand = (
    CreateTask
    | EditTask
    | MoveTask
    | CompleteTask
    | SkipTask
    | ReopenTask
    | SnoozeTask
    | TrashTask
    | RestoreTask
    | CommentOnTask
)


BatchedCommand = (
    CreateTask | EditTask | MoveTask | CompleteTask | SkipTask | ReopenTask | TrashTask | RestoreTask | CommentOnTask
)


class ChangeTasks(Command):
    """Several commands as one: all of them happen, or none. Each sees what those before it have done."""

    commands: tuple[BatchedCommand, ...]
    by: UserId
    at: datetime
    workspace_id: WorkspaceId | None = None
    """None: that of the first thing named; where there is none, the personal one."""
