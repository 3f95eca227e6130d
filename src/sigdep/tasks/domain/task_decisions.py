"""What a task decides by itself. What rests on other things as well is made sure of before, in `tasks/writing`."""

from datetime import datetime
from typing import Any, Final

from sigdep.contracts.ids import ProjectId, TaskId, UserId
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Invalid, NotFound, Refused
from sigdep.kernel.messages import UNSET
from sigdep.tasks.commands.tasks import (
    CommentOnTask,
    CompleteTask,
    CreateTask,
    EditTask,
    MoveTask,
    ReopenTask,
    RestoreTask,
    SkipTask,
    SnoozeTask,
    TaskCommand,
    TrashTask,
)
from sigdep.tasks.domain import fields
from sigdep.tasks.domain import task_content as content
from sigdep.tasks.domain.next_occurrence import step_from
from sigdep.tasks.domain.task import ABSENT, CATEGORY, SCHEMA, Task, evolve
from sigdep.tasks.events.tasks import (
    Status,
    TaskCancelled,
    TaskCommented,
    TaskCompleted,
    TaskEdited,
    TaskEvent,
    TaskMoved,
    TaskReopened,
    TaskRestored,
    TaskSkipped,
    TaskSnoozed,
    TaskStarted,
    TaskTrashed,
)


class TaskNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("This task does not exist, or you are no member of its workspace.")


class TaskExists(Refused):
    """The id that a client chose is taken."""

    def __init__(self) -> None:
        super().__init__("There is something with this id already. Choose a new id for a new task.")


class InTrash(Refused):
    def __init__(self) -> None:
        super().__init__("This task is in the trash. Restore it first.")


class Finished(Refused):
    """What is done or cancelled cannot be put off, and what is done cannot be skipped."""


class DoesNotRecur(Refused):
    def __init__(self) -> None:
        super().__init__("This task does not recur: there is no next one. Cancel it, or give it a recurrence.")


def decide(command: TaskCommand, task: Task) -> list[TaskEvent]:
    """
    The commands arrive resolved: every id in them exists in the task's workspace, labels are ids, a place is a rank.

    Raises:
        TaskNotFound, TaskExists, InTrash, DueTwice, NoDate, DoesNotRecur, Finished, Invalid.
    """
    match command:
        case CreateTask():
            return _decide_create(command, task)
        case RestoreTask():
            present(task)
            return [] if task.trashed_at is None else [_restored(command.task_id, command.by, command.at)]
        case TrashTask():
            present(task)
            return [] if task.trashed_at is not None else [trashed(command, task)]
        case _:
            changeable(task)
            return _decide_change(command, task)


def present(task: Task) -> None:
    """
    Raises:
        TaskNotFound: it does not exist.
    """
    if task.version == 0:
        raise TaskNotFound


def changeable(task: Task) -> None:
    """
    Raises:
        TaskNotFound: it does not exist.
        InTrash: it must be restored first.
    """
    present(task)
    if task.trashed_at is not None:
        raise InTrash


def _decide_create(command: CreateTask, task: Task) -> list[TaskEvent]:
    if task.version > 0:
        raise TaskExists
    created = content.created(command)
    if command.status == "open":
        return [created]
    return [created, *_become(evolve(ABSENT, created), command.status, command.by, command.at)]


def _decide_change(
    command: EditTask | MoveTask | CompleteTask | SkipTask | ReopenTask | SnoozeTask | CommentOnTask, task: Task
) -> list[TaskEvent]:
    match command:
        case EditTask():
            return _decide_edit(command, task)
        case MoveTask():
            return _move(command, task, command.rank)
        case CompleteTask():
            return _become(task, "done", command.by, command.at)
        case SkipTask():
            return _decide_skip(command, task)
        case ReopenTask():
            return [] if task.status == "in_progress" else _become(task, "open", command.by, command.at)
        case SnoozeTask():
            return _decide_snooze(command, task)
        case CommentOnTask():
            return [_commented(command)]


def _decide_edit(command: EditTask, task: Task) -> list[TaskEvent]:
    events: list[TaskEvent] = []
    if edited := content.edited_fields(command, task):
        events.append(TaskEdited(task_id=task.id, by=command.by, at=command.at, **edited))
    events += _move(command, task, None if command.rank is UNSET else command.rank)
    if command.status is not UNSET:
        events += _become(task, command.status, command.by, command.at)
    return events


def _move(command: EditTask | MoveTask, task: Task, rank: str | None) -> list[TaskEvent]:
    project_id: Any = UNSET if command.project_id in (UNSET, task.project_id) else command.project_id
    parent_id: Any = UNSET if command.parent_id in (UNSET, task.parent_id) else command.parent_id
    new_rank: Any = UNSET if rank is None or rank == task.rank else content.valid_rank(rank)
    if project_id is UNSET and parent_id is UNSET and new_rank is UNSET:
        return []
    return [
        TaskMoved(
            task_id=task.id,
            by=command.by,
            at=command.at,
            project_id=project_id,
            parent_id=parent_id,
            rank=new_rank,
        )
    ]


def followed(task: Task, project_id: ProjectId | None, by: UserId, at: datetime) -> list[TaskEvent]:
    """What a task does when the one above it goes into another project."""
    return [] if task.project_id == project_id else [TaskMoved(task_id=task.id, by=by, at=at, project_id=project_id)]


def trashed(command: TrashTask, task: Task) -> TaskTrashed:
    """What the task itself, or one below it, does when the command's task goes into the trash."""
    root = command.task_id
    return TaskTrashed(task_id=task.id, by=command.by, at=command.at, trashed_with=None if task.id == root else root)


def restored_along(command: RestoreTask, task: Task) -> list[TaskEvent]:
    """What one below the command's task does when that comes back."""
    return [_restored(task.id, command.by, command.at)] if task.trashed_with == command.task_id else []


def _restored(task_id: TaskId, by: UserId, at: datetime) -> TaskRestored:
    return TaskRestored(task_id=task_id, by=by, at=at)


def _become(task: Task, status: Status, by: UserId, at: datetime) -> list[TaskEvent]:
    """Any status may follow any other: people change their minds."""
    if status == task.status:
        return []
    match status:
        case "done":
            return [TaskCompleted(task_id=task.id, by=by, at=at)]
        case "open":
            return [TaskReopened(task_id=task.id, by=by, at=at)]
        case "in_progress":
            return [TaskStarted(task_id=task.id, by=by, at=at)]
        case "cancelled":
            return [TaskCancelled(task_id=task.id, by=by, at=at)]


def _decide_skip(command: SkipTask, task: Task) -> list[TaskEvent]:
    if task.status == "done":
        raise Finished("This task is done. Reopen it before you skip it.")
    if task.recurrence is None:
        raise DoesNotRecur
    if task.status == "cancelled" and (task.next_id is not None or step_from(task, command.at) is None):
        return []  # Asked twice, skipped once.
    return [TaskSkipped(task_id=task.id, by=command.by, at=command.at)]


def _decide_snooze(command: SnoozeTask, task: Task) -> list[TaskEvent]:
    if task.status in ("done", "cancelled"):
        raise Finished(f"This task is {task.status}. Reopen it before you put it off.")
    until = fields.instant(command.until, "/until")
    assert until is not None
    if until <= command.at:
        raise Invalid.at("/until", "A task can be put off only until an instant in the future.")
    if until == task.scheduled_at:
        return []
    return [TaskSnoozed(task_id=task.id, by=command.by, at=command.at, until=until)]


def _commented(command: CommentOnTask) -> TaskCommented:
    assert command.comment_id is not None
    return TaskCommented(
        task_id=command.task_id,
        comment_id=command.comment_id,
        text=fields.comment(command.text),
        by=command.by,
        at=command.at,
    )


TASK: Final = Decider[Any, Task](category=CATEGORY, initial=ABSENT, decide=decide, evolve=evolve, schema=SCHEMA)
