"""Moves a task, and with it what is below it: into a project, below another task, between neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UnsetType
from msgspec.structs import replace

from sigdep.contracts.ids import ProjectId, TaskId
from sigdep.kernel.errors import Refused
from sigdep.kernel.messages import UNSET
from sigdep.tasks.commands.tasks import EditTask, MoveTask
from sigdep.tasks.domain.subtasks import DEPTH_MAX, AddSubtask, RemoveSubtask, TooDeep, WouldCycle
from sigdep.tasks.domain.subtasks import decide as decide_subtasks
from sigdep.tasks.domain.task import Task
from sigdep.tasks.domain.task_decisions import changeable, decide, followed
from sigdep.tasks.events.tasks import TaskEvent
from sigdep.tasks.writing.attempt import Attempt
from sigdep.tasks.writing.ranks import task_rank
from sigdep.tasks.writing.references import project_at, task_at
from sigdep.tasks.writing.trees import levels_below, with_those_above


class OtherProject(Refused):
    """A subtask is in the project of the task above it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task is to be."""

    project_id: ProjectId | None
    above: tuple[TaskId, ...] = ()
    """The task above it, the one above that, and so on to the top."""


async def new_place(attempt: Attempt, project_id: ProjectId | UnsetType | None, parent_id: TaskId | None) -> Place:
    """
    Args:
        project_id: UNSET: that of the parent.

    Raises:
        Invalid: the parent or the project does not exist here.
        TooDeep: so many tasks are above it already.
        OtherProject: the parent is in another project than the one named.
        ProjectReadOnly: the project takes no changes.
    """
    if parent_id is None:
        if project_id is not None and project_id is not UNSET:
            await project_at(attempt, project_id, "/project_id")
        return Place(None if project_id is UNSET else project_id)
    line = await with_those_above(attempt, await task_at(attempt, parent_id, "/parent_id"))
    parent = line[0]
    if project_id is not UNSET and project_id != parent.project_id:
        raise OtherProject("A subtask is in the project of the task above it. Leave project_id out, or parent_id.")
    if parent.project_id is not None:
        await project_at(attempt, parent.project_id, "/parent_id")
    return Place(parent.project_id, tuple(task.id for task in line))


async def decide_move(attempt: Attempt, command: EditTask | MoveTask, task: Task) -> Sequence[TaskEvent]:
    """Decide and record a command that may move the task. Returns what it has decided about the task itself.

    Raises what `new_place` raises, and

        WouldCycle: the new parent is the task itself, or below it.
        TooManySubtasks: more is below it than can follow at once.
        Refused: by the task itself.
    """
    changeable(task)
    place = await _place(attempt, command, task)
    if isinstance(command, MoveTask):
        parent_id = task.parent_id if command.parent_id is UNSET else command.parent_id
        command = replace(command, rank=await task_rank(attempt, command, place.project_id, parent_id))
    if place.project_id != task.project_id:
        command = replace(command, project_id=place.project_id)
    events = decide(command, task)
    attempt.record(attempt.around.tasks, task.id, events)
    if command.parent_id is not UNSET and command.parent_id != task.parent_id:
        await _change_lists(attempt, command, task, command.parent_id)
    return events


async def _place(attempt: Attempt, command: EditTask | MoveTask, task: Task) -> Place:
    """Where the command wants the task. What is below it follows at once where the project changes."""
    below_another = command.parent_id is not UNSET and command.parent_id != task.parent_id
    into_another = command.project_id is not UNSET and command.project_id != task.project_id
    if not below_another and not into_another:
        return Place(task.project_id)
    parent_id = task.parent_id if command.parent_id is UNSET else command.parent_id
    asked: Any = command.project_id
    if parent_id is None and asked is UNSET:
        asked = task.project_id
    place = await new_place(attempt, asked, parent_id)
    if task.id in place.above:
        raise WouldCycle("A task cannot be below itself.")
    if place.above or place.project_id != task.project_id:
        levels = await levels_below(attempt, task.id)
        if len(place.above) + 1 + len(levels) > DEPTH_MAX:
            raise TooDeep
        for level in levels:
            for below in level:
                events = followed(below, place.project_id, command.by, command.at)
                attempt.record(attempt.around.tasks, below.id, events)
    return place


async def _change_lists(attempt: Attempt, command: EditTask | MoveTask, task: Task, parent_id: TaskId | None) -> None:
    """Take the task out of the list of the one that was above it, and into that of the one that is."""
    subtasks = attempt.around.subtasks
    if task.parent_id is not None:
        removal = RemoveSubtask(parent_id=task.parent_id, task_id=task.id, by=command.by, at=command.at)
        below = await attempt.unit.load(subtasks, task.parent_id)
        attempt.record(subtasks, task.parent_id, decide_subtasks(removal, below))
    if parent_id is not None:
        addition = AddSubtask(parent_id=parent_id, task_id=task.id, by=command.by, at=command.at)
        below = await attempt.unit.load(subtasks, parent_id)
        attempt.record(subtasks, parent_id, decide_subtasks(addition, below))
