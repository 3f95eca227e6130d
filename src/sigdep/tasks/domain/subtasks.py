"""The tasks directly below a task: a stream of its own, so that adding one does not touch the task above it.

Whoever puts a tree of tasks into the trash, or moves it, reads these streams and has them stand still
until it is done: a subtask that is being added meanwhile is either taken along or refused.
"""

from datetime import datetime
from typing import Any, Final

from sigdep.contracts.ids import TaskId, UserId
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Refused
from sigdep.kernel.messages import Command, State
from sigdep.tasks.events.subtasks import SubtaskAdded, SubtaskRemoved, SubtasksEvent

SUBTASKS_MAX: Final = 500
"""Tasks directly below one task."""

DEPTH_MAX: Final = 50
"""Tasks above one another."""

TREE_TASKS_MAX: Final = 990
"""Tasks that go into the trash, come back or move as one, the one at the top among them: they fit into one append."""


class TooManySubtasks(Refused):
    """More than can be kept below one task, or changed as one."""


class TooDeep(Refused):
    def __init__(self) -> None:
        super().__init__(f"Subtasks may be nested {DEPTH_MAX} deep at most.")


class WouldCycle(Refused):
    """A task would be above, or in the way of, itself."""


class Subtasks(State):
    task_ids: tuple[TaskId, ...] = ()
    """In the order in which they were put below it. Those in the trash are among them."""


class AddSubtask(Command):
    parent_id: TaskId
    task_id: TaskId
    by: UserId
    at: datetime


class RemoveSubtask(Command):
    parent_id: TaskId
    task_id: TaskId
    by: UserId
    at: datetime


def decide(command: AddSubtask | RemoveSubtask, subtasks: Subtasks) -> list[SubtasksEvent]:
    """
    Raises:
        TooManySubtasks: SUBTASKS_MAX are there already.
    """
    there = command.task_id in subtasks.task_ids
    match command:
        case AddSubtask():
            if there:
                return []
            if len(subtasks.task_ids) >= SUBTASKS_MAX:
                raise TooManySubtasks(f"A task may have {SUBTASKS_MAX} subtasks at most, those in the trash included.")
            return [SubtaskAdded(parent_id=command.parent_id, task_id=command.task_id, by=command.by, at=command.at)]
        case RemoveSubtask():
            if not there:
                return []
            return [SubtaskRemoved(parent_id=command.parent_id, task_id=command.task_id, by=command.by, at=command.at)]


def evolve(subtasks: Subtasks, event: SubtasksEvent) -> Subtasks:
    match event:
        case SubtaskAdded():
            return Subtasks(task_ids=(*subtasks.task_ids, event.task_id))
        case SubtaskRemoved():
            return Subtasks(task_ids=tuple(task_id for task_id in subtasks.task_ids if task_id != event.task_id))


SUBTASKS: Final = Decider[Any, Subtasks](
    category="subtasks", initial=Subtasks(), decide=decide, evolve=evolve, schema="subtasks-1"
)
