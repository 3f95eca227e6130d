"""What has happened to a task: stream `task-<task id>`."""

from datetime import date, datetime
from typing import Any, ClassVar, Literal

from msgspec import Struct

from sigdep.contracts.ids import CommentId, LabelId, ProjectId, TaskId, UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Event, UnsetType, field

Status = Literal["open", "in_progress", "done", "cancelled"]


Priority = Literal["none", "low", "medium", "high", "urgent"]


Anchor = Literal["schedule", "completion"]


class TaskRecurrence(Struct, frozen=True, kw_only=True):
    """When a task is to be done again."""

    rule: str
    """As iCalendar writes it (RFC 5545 §3.3.10): `FREQ=WEEKLY;BYDAY=FR`."""
    anchor: Anchor = "schedule"
    """What the rule goes by: the dates of the task, or the day on which it was done."""


class TaskSchedule(Struct, frozen=True, kw_only=True):
    """Where the rule of a task stands. Times are those of the clock on the wall, in its time zone."""

    start: str
    """The time or date that the rule is counted from, as in `2026-11-27T09:00:00` or `2026-11-27`."""
    original: str
    """The time or date that the rule gives this occurrence, wherever it has been moved to since."""
    since: int = 1
    """The number of the occurrence that was the first by this rule."""


class TaskReminder(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When somebody is to be reminded of a task: at an instant, or some time before it is due."""

    at: datetime | None = None
    before: str | None = None
    """ISO 8601 duration: days by the calendar, hours and less by the clock."""


class TaskCreated(Event, omit_defaults=True):
    numbered: ClassVar[bool] = True

    task_id: TaskId
    workspace_id: WorkspaceId
    title: str
    rank: str
    by: UserId
    at: datetime
    number: int = 0
    """Unique in its workspace. The store gives it."""
    project_id: ProjectId | None = None
    parent_id: TaskId | None = None
    description: str | None = None
    priority: Priority = "none"
    labels: tuple[LabelId, ...] = ()
    assignee_ids: tuple[UserId, ...] = ()
    scheduled_at: datetime | None = None
    due_at: datetime | None = None
    due_on: date | None = None
    estimate: str | None = None
    blocked_by: tuple[TaskId, ...] = ()
    custom: dict[str, Any] = field(default_factory=dict)
    recurrence: TaskRecurrence | None = None
    time_zone: str | None = None
    reminders: tuple[TaskReminder, ...] = ()
    schedule: TaskSchedule | None = None
    series_id: TaskId | None = None
    """None: it is in no series, or the first of its own."""
    occurrence: int | None = None
    """Its place in the series. None: as above."""
    previous_id: TaskId | None = None


class TaskEdited(Event):
    """Some of its fields have a new value."""

    task_id: TaskId
    by: UserId
    at: datetime
    title: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    priority: Priority | UnsetType = UNSET
    labels: tuple[LabelId, ...] | UnsetType = UNSET
    assignee_ids: tuple[UserId, ...] | UnsetType = UNSET
    scheduled_at: datetime | UnsetType | None = UNSET
    due_at: datetime | UnsetType | None = UNSET
    due_on: date | UnsetType | None = UNSET
    estimate: str | UnsetType | None = UNSET
    blocked_by: tuple[TaskId, ...] | UnsetType = UNSET
    custom: dict[str, Any] | UnsetType = UNSET
    """The keys that changed, and no others. None: the key is gone."""
    recurrence: TaskRecurrence | UnsetType | None = UNSET
    time_zone: str | UnsetType | None = UNSET
    reminders: tuple[TaskReminder, ...] | UnsetType = UNSET
    schedule: TaskSchedule | UnsetType | None = UNSET
    """Another rule, or another kind of date, is counted from here."""


class TaskMoved(Event):
    """It has another place: among its neighbours, below another task, or in another project."""

    task_id: TaskId
    by: UserId
    at: datetime
    project_id: ProjectId | UnsetType | None = UNSET
    parent_id: TaskId | UnsetType | None = UNSET
    rank: str | UnsetType = UNSET


class TaskStarted(Event):
    """Somebody is working on it."""

    task_id: TaskId
    by: UserId
    at: datetime


class TaskCompleted(Event):
    task_id: TaskId
    by: UserId
    at: datetime


class TaskCancelled(Event):
    """It will not be done."""

    task_id: TaskId
    by: UserId
    at: datetime


class TaskSkipped(Event):
    """This occurrence will not be done, and the series goes on."""

    task_id: TaskId
    by: UserId
    at: datetime


class TaskRepeated(Event):
    """The next occurrence of its series was made, or brought back from the trash."""

    task_id: TaskId
    next_id: TaskId
    by: UserId
    at: datetime


class TaskRepetitionWithdrawn(Event):
    """The next occurrence, which nobody had touched yet, went into the trash: this one is to be done after all."""

    task_id: TaskId
    next_id: TaskId
    by: UserId
    at: datetime


class TaskReopened(Event):
    """It is to be done (again), whatever it was before."""

    task_id: TaskId
    by: UserId
    at: datetime


class TaskSnoozed(Event):
    """It was put off: `until` is its new `scheduled_at`."""

    task_id: TaskId
    by: UserId
    at: datetime
    until: datetime


class TaskTrashed(Event, omit_defaults=True):
    task_id: TaskId
    by: UserId
    at: datetime
    trashed_with: TaskId | None = None
    """The task above it that was put into the trash and took this one along."""


class TaskRestored(Event):
    """It is back from the trash."""

    task_id: TaskId
    by: UserId
    at: datetime


class TaskCommented(Event):
    """A comment was added. Its id is unique within the task only."""

    task_id: TaskId
    comment_id: CommentId
    text: str
    by: UserId
    at: datetime


class CommentEdited(Event):
    task_id: TaskId
    comment_id: CommentId
    text: str
    by: UserId
    at: datetime


class CommentDeleted(Event):
    task_id: TaskId
    comment_id: CommentId
    by: UserId
    at: datetime


TaskEvent = (
    TaskCreated
    | TaskEdited
    | TaskMoved
    | TaskStarted
    | TaskCompleted
    | TaskCancelled
    | TaskSkipped
    | TaskRepeated
    | TaskRepetitionWithdrawn
    | TaskReopened
    | TaskSnoozed
    | TaskTrashed
    | TaskRestored
    | TaskCommented
    | CommentEdited
    | CommentDeleted
)
