"""Commands to tasks: what each rests on beyond the task itself, and what else changes with it."""

from msgspec.structs import replace

from sigdep.contracts.ids import ProjectId, TaskId
from sigdep.kernel.errors import Invalid, Refused
from sigdep.kernel.ids import Version
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
from sigdep.tasks.domain import task_content as content
from sigdep.tasks.domain.subtasks import AddSubtask
from sigdep.tasks.domain.subtasks import decide as decide_subtasks
from sigdep.tasks.domain.task import Task
from sigdep.tasks.domain.task_decisions import TaskExists, decide, restored_along, trashed
from sigdep.tasks.events.tasks import TaskCreated
from sigdep.tasks.writing.attempt import Attempt
from sigdep.tasks.writing.comments import comment_on_task
from sigdep.tasks.writing.moves import decide_move, new_place
from sigdep.tasks.writing.ranks import task_rank
from sigdep.tasks.writing.references import check_assignees, check_blockers, label_ids, matching_task
from sigdep.tasks.writing.repeating import keep_repeating
from sigdep.tasks.writing.trees import levels_below


class ParentInTrash(Refused):
    """What is below a task in the trash cannot come back without it."""


async def change_task(attempt: Attempt, command: TaskCommand) -> TaskId:
    """Decide and record one command of any kind. Returns the task that it was about."""
    match command:
        case CreateTask():
            return await create_task(attempt, command)
        case EditTask():
            await _edit(attempt, command)
        case MoveTask():
            await _move(attempt, command)
        case TrashTask():
            await _trash(attempt, command)
        case RestoreTask():
            await _restore(attempt, command)
        case CommentOnTask():
            await comment_on_task(attempt, command)
        case CompleteTask() | SkipTask() | ReopenTask() | SnoozeTask():
            task = await matching_task(attempt, command.task_id)
            events = decide(command, task)
            attempt.record(attempt.around.tasks, task.id, events)
            await keep_repeating(attempt, task, events)
    return command.task_id


async def create_task(attempt: Attempt, command: CreateTask) -> TaskId:
    """
    Raises:
        TaskExists: another request has used the id. The same request may come again, and changes nothing.
        Everything that can be wrong with a field.
    """
    tasks = attempt.around.tasks
    if command.workspace_id not in (None, attempt.workspace):
        raise Invalid.at("/workspace_id", "Everything that is done at once must be done in one workspace.")
    if command.task_id is None:
        task_id = TaskId(attempt.make_id())
        task = attempt.unit.begin(tasks, task_id)
    else:
        task_id = command.task_id
        task = await attempt.unit.load(tasks, task_id)
    attempt.match(tasks, task_id, task.version)
    labels = await label_ids(attempt, command.labels)
    command = replace(command, task_id=task_id, workspace_id=attempt.workspace, labels=labels)
    if task.version > 0:
        await _expect_same(attempt, command)
        attempt.repeated = True
        return task_id
    project_id = await _project_of_new(attempt, command)
    await check_assignees(attempt, command.assignee_ids)
    await check_blockers(attempt, command.blocked_by, task_id)
    rank = await task_rank(attempt, command, project_id, command.parent_id)
    command = replace(command, project_id=project_id, rank=rank)
    events = decide(_in_a_zone(attempt, command), task)
    attempt.record(tasks, task_id, events)
    await keep_repeating(attempt, task, events)
    return task_id


async def _project_of_new(attempt: Attempt, command: CreateTask) -> ProjectId | None:
    """The project that a new task is in, and its entry in the list of the task above it."""
    assert command.task_id is not None
    if command.parent_id is None:
        place = await new_place(attempt, command.project_id, None)
        return place.project_id
    asked = UNSET if command.project_id is None else command.project_id
    place = await new_place(attempt, asked, command.parent_id)
    subtasks = attempt.around.subtasks
    below = await attempt.unit.load(subtasks, command.parent_id)
    addition = AddSubtask(parent_id=command.parent_id, task_id=command.task_id, by=command.by, at=command.at)
    attempt.record(subtasks, command.parent_id, decide_subtasks(addition, below))
    return place.project_id


async def _expect_same(attempt: Attempt, command: CreateTask) -> None:
    """
    Raises:
        TaskExists: the task was created by somebody else, elsewhere, or with something else in it.
    """
    assert command.task_id is not None
    stream = attempt.around.tasks.decider.stream(command.task_id)
    history = await attempt.around.store.read(stream, until=Version(1))
    first = history.events[0].event if history.events else None
    if not isinstance(first, TaskCreated):
        raise TaskExists
    project_id = first.project_id if command.parent_id is not None else command.project_id
    time_zone = command.time_zone or first.time_zone  # Another profile than then makes no other task.
    command = replace(command, rank=first.rank, at=first.at, project_id=project_id, time_zone=time_zone)
    asked = content.created(command)
    if replace(asked, number=first.number) != first:
        raise TaskExists


async def _edit(attempt: Attempt, command: EditTask) -> None:
    task = await matching_task(attempt, command.task_id)
    if command.labels is not UNSET:
        command = replace(command, labels=await label_ids(attempt, command.labels, task.labels))
    if command.assignee_ids is not UNSET:
        await check_assignees(attempt, command.assignee_ids, task.assignee_ids)
    if command.blocked_by is not UNSET:
        await check_blockers(attempt, command.blocked_by, task.id, task.blocked_by)
    events = await decide_move(attempt, _edit_in_a_zone(attempt, command, task), task)
    await keep_repeating(attempt, task, events)


def _in_a_zone(attempt: Attempt, command: CreateTask) -> CreateTask:
    """What recurs or reminds goes by the clock on the wall of whoever asks for it."""
    if command.time_zone is None and (command.recurrence is not None or command.reminders):
        return replace(command, time_zone=attempt.call.caller.time_zone)
    return command


def _edit_in_a_zone(attempt: Attempt, command: EditTask, task: Task) -> EditTask:
    if command.time_zone or (command.time_zone is UNSET and task.time_zone is not None):
        return command
    recurs = task.recurrence if command.recurrence is UNSET else command.recurrence
    reminds = task.reminders if command.reminders is UNSET else command.reminders
    return replace(command, time_zone=attempt.call.caller.time_zone) if recurs or reminds else command


async def _move(attempt: Attempt, command: MoveTask) -> None:
    task = await matching_task(attempt, command.task_id)
    if command.workspace_id is not None and command.workspace_id != attempt.workspace:
        raise Refused("A task cannot move to another workspace. Create it there anew.")
    await decide_move(attempt, command, task)


async def _trash(attempt: Attempt, command: TrashTask) -> None:
    task = await matching_task(attempt, command.task_id)
    tasks = attempt.around.tasks
    events = decide(command, task)
    attempt.record(tasks, task.id, events)
    if events:
        for level in await levels_below(attempt, task.id):
            for below in level:
                if below.trashed_at is None:
                    attempt.record(tasks, below.id, [trashed(command, below)])


async def _restore(attempt: Attempt, command: RestoreTask) -> None:
    task = await matching_task(attempt, command.task_id)
    tasks = attempt.around.tasks
    events = decide(command, task)
    if events and task.parent_id is not None:
        parent = await attempt.unit.load(tasks, task.parent_id, guard=True)
        if parent.trashed_at is not None:
            raise ParentInTrash("The task above this one is in the trash too. Restore that one, or both with it.")
    attempt.record(tasks, task.id, events)
    if events:
        for level in await levels_below(attempt, task.id):
            for below in level:
                attempt.record(tasks, below.id, restored_along(command, below))
