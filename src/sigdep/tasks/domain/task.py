"""What a task is: its fields as everybody sees them, and how each event changes them."""

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from sigdep.contracts.ids import LabelId, ProjectId, TaskId, UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, State
from sigdep.tasks.events.tasks import (
    CommentDeleted,
    CommentEdited,
    Priority,
    Status,
    TaskCancelled,
    TaskCommented,
    TaskCompleted,
    TaskCreated,
    TaskEdited,
    TaskEvent,
    TaskMoved,
    TaskRecurrence,
    TaskReminder,
    TaskReopened,
    TaskRepeated,
    TaskRepetitionWithdrawn,
    TaskRestored,
    TaskSchedule,
    TaskSkipped,
    TaskSnoozed,
    TaskStarted,
    TaskTrashed,
)

CATEGORY: Final = "task"

SCHEMA: Final = "task-2"
"""Names the shape of `Task`: raise it with every change, or old snapshots are taken for new ones."""


class Task(State):
    """A task: what deciding remembers, what a write answers and what read models keep, in one shape."""

    id: TaskId
    workspace_id: WorkspaceId
    number: int
    """Unique in its workspace, shown as `T-42`. 0 in a dry run: nothing has been numbered."""
    project_id: ProjectId | None
    """None: in no project."""
    parent_id: TaskId | None
    """The task that this one is a part of. Both are in the same project."""
    title: str
    description: str | None
    """Markdown."""
    status: Status
    priority: Priority
    labels: tuple[LabelId, ...]
    assignee_ids: tuple[UserId, ...]
    scheduled_at: datetime | None
    """When somebody means to do it."""
    due_at: datetime | None
    due_on: date | None
    """A day, wherever one is. Never together with `due_at`."""
    estimate: str | None
    """ISO 8601 duration, as in `PT1H30M`."""
    blocked_by: tuple[TaskId, ...]
    """Tasks to be done first. It says so, and stops nobody."""
    custom: dict[str, Any]
    recurrence: TaskRecurrence | None
    time_zone: str | None
    """IANA name: whose wall-clock time the task recurs and reminds by. null: it has never done either."""
    reminders: tuple[TaskReminder, ...]
    schedule: TaskSchedule | None
    """null: it does not recur."""
    series_id: TaskId | None
    """The first task of the series that this one is an occurrence of."""
    occurrence: int | None
    """Its place in the series, from 1."""
    previous_id: TaskId | None
    """The occurrence before this one."""
    next_id: TaskId | None
    """The occurrence that follows, made when this one was done or skipped."""
    repeated_at: datetime | None
    """When that was."""
    rank: str
    """Sorts a list as its people have arranged it; compare code point by code point."""
    comment_count: int
    created_at: datetime
    created_by: UserId
    updated_at: datetime
    completed_at: datetime | None
    completed_by: UserId | None
    trashed_at: datetime | None
    trashed_by: UserId | None
    trashed_with: TaskId | None
    """The task above it that took this one along into the trash, and brings it back when it is restored."""
    version: int
    """Grows with every event. 0: it does not exist."""


_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")

ABSENT: Final = Task(
    id=TaskId(_NOBODY),
    workspace_id=WorkspaceId(_NOBODY),
    number=0,
    project_id=None,
    parent_id=None,
    title="",
    description=None,
    status="open",
    priority="none",
    labels=(),
    assignee_ids=(),
    scheduled_at=None,
    due_at=None,
    due_on=None,
    estimate=None,
    blocked_by=(),
    custom={},
    recurrence=None,
    time_zone=None,
    reminders=(),
    schedule=None,
    series_id=None,
    occurrence=None,
    previous_id=None,
    next_id=None,
    repeated_at=None,
    rank="",
    comment_count=0,
    created_at=_NEVER,
    created_by=UserId(_NOBODY),
    updated_at=_NEVER,
    completed_at=None,
    completed_by=None,
    trashed_at=None,
    trashed_by=None,
    trashed_with=None,
    version=0,
)
"""A task that does not exist."""

EDITED_FIELDS: Final = (
    "title",
    "description",
    "priority",
    "labels",
    "assignee_ids",
    "scheduled_at",
    "due_at",
    "due_on",
    "estimate",
    "blocked_by",
    "recurrence",
    "time_zone",
    "reminders",
    "schedule",
)
"""Fields that `TaskEdited` replaces. `custom` is merged."""


def evolve(task: Task, event: TaskEvent) -> Task:
    """The task after the event. Never raises: what is in the log has happened."""
    match event:
        case TaskCreated():
            return _created(event)
        case TaskEdited():
            return _edited(task, event)
        case TaskCompleted():
            return replace(
                task,
                status="done",
                completed_at=event.at,
                completed_by=event.by,
                updated_at=event.at,
                version=task.version + 1,
            )
        case TaskMoved():
            return _moved(task, event)
        case TaskCommented():
            return _commented(task, event, task.comment_count + 1)
        case TaskReopened():
            return _unfinished(task, event, "open")
        case TaskStarted():
            return _unfinished(task, event, "in_progress")
        case TaskCancelled() | TaskSkipped():
            return _unfinished(task, event, "cancelled")
        case TaskRepeated():
            return _repeated(task, event, event.next_id, event.at)
        case TaskRepetitionWithdrawn():
            return _repeated(task, event, None, None)
        case TaskSnoozed():
            return replace(task, scheduled_at=event.until, updated_at=event.at, version=task.version + 1)
        case TaskTrashed():
            return replace(
                task,
                trashed_at=event.at,
                trashed_by=event.by,
                trashed_with=event.trashed_with,
                updated_at=event.at,
                version=task.version + 1,
            )
        case TaskRestored():
            return replace(
                task,
                trashed_at=None,
                trashed_by=None,
                trashed_with=None,
                updated_at=event.at,
                version=task.version + 1,
            )
        case CommentEdited():
            return _commented(task, event, task.comment_count)
        case CommentDeleted():
            return _commented(task, event, max(0, task.comment_count - 1))


def _created(event: TaskCreated) -> Task:
    begins = event.recurrence is not None and event.series_id is None
    return Task(
        id=event.task_id,
        workspace_id=event.workspace_id,
        number=event.number,
        project_id=event.project_id,
        parent_id=event.parent_id,
        title=event.title,
        description=event.description,
        status="open",
        priority=event.priority,
        labels=event.labels,
        assignee_ids=event.assignee_ids,
        scheduled_at=event.scheduled_at,
        due_at=event.due_at,
        due_on=event.due_on,
        estimate=event.estimate,
        blocked_by=event.blocked_by,
        custom=event.custom,
        recurrence=event.recurrence,
        time_zone=event.time_zone,
        reminders=event.reminders,
        schedule=event.schedule,
        series_id=event.task_id if begins else event.series_id,
        occurrence=1 if begins else event.occurrence,
        previous_id=event.previous_id,
        next_id=None,
        repeated_at=None,
        rank=event.rank,
        comment_count=0,
        created_at=event.at,
        created_by=event.by,
        updated_at=event.at,
        completed_at=None,
        completed_by=None,
        trashed_at=None,
        trashed_by=None,
        trashed_with=None,
        version=1,
    )


def _edited(task: Task, event: TaskEdited) -> Task:
    changes = {field: value for field in EDITED_FIELDS if (value := getattr(event, field)) is not UNSET}
    if event.custom is not UNSET:
        changes["custom"] = merged(task.custom, event.custom)
    if event.recurrence and task.series_id is None:
        changes |= {"series_id": task.id, "occurrence": 1}
    return replace(task, updated_at=event.at, version=task.version + 1, **changes)


def merged(custom: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """The custom fields with some keys changed. None takes a key away; the others keep their place."""
    return {key: value for key, value in (custom | changed).items() if value is not None}


def _moved(task: Task, event: TaskMoved) -> Task:
    return replace(
        task,
        project_id=task.project_id if event.project_id is UNSET else event.project_id,
        parent_id=task.parent_id if event.parent_id is UNSET else event.parent_id,
        rank=task.rank if event.rank is UNSET else event.rank,
        updated_at=event.at,
        version=task.version + 1,
    )


def _unfinished(task: Task, event: TaskReopened | TaskStarted | TaskCancelled | TaskSkipped, status: Status) -> Task:
    return replace(
        task, status=status, completed_at=None, completed_by=None, updated_at=event.at, version=task.version + 1
    )


def _repeated(
    task: Task, event: TaskRepeated | TaskRepetitionWithdrawn, next_id: TaskId | None, repeated_at: datetime | None
) -> Task:
    return replace(task, next_id=next_id, repeated_at=repeated_at, updated_at=event.at, version=task.version + 1)


def _commented(task: Task, event: TaskCommented | CommentEdited | CommentDeleted, count: int) -> Task:
    return replace(task, comment_count=count, updated_at=event.at, version=task.version + 1)
