"""Tasks above and below a task, read in a way that nobody can change them until the command is stored."""

from sigdep.contracts.ids import TaskId
from sigdep.tasks.domain.subtasks import DEPTH_MAX, TREE_TASKS_MAX, TooDeep, TooManySubtasks
from sigdep.tasks.domain.task import Task
from sigdep.tasks.writing.attempt import Attempt


async def with_those_above(attempt: Attempt, task: Task) -> list[Task]:
    """The task, the one above it, and so on to the top.

    Raises:
        TooDeep: there are DEPTH_MAX of them, so that nothing can be put below.
    """
    line = [task]
    while len(line) < DEPTH_MAX:
        above = line[-1].parent_id
        if above is None:
            return line
        line.append(await attempt.unit.load(attempt.around.tasks, above, guard=True))
    raise TooDeep


async def levels_below(attempt: Attempt, task_id: TaskId) -> list[list[Task]]:
    """All that is below a task, level by level, those in the trash included.

    Raises:
        TooManySubtasks: with the task itself there are more than TREE_TASKS_MAX.
    """
    levels: list[list[Task]] = []
    size = 1
    above = [task_id]
    while True:
        level = [task for parent_id in above for task in await _directly_below(attempt, parent_id)]
        size += len(level)
        if size > TREE_TASKS_MAX:
            raise TooManySubtasks(
                f"With everything below it this is more than {TREE_TASKS_MAX} tasks. Start with parts of it."
            )
        if not level:
            return levels
        levels.append(level)
        above = [task.id for task in level]


async def _directly_below(attempt: Attempt, parent_id: TaskId) -> list[Task]:
    """The list is guarded; what is on it may be edited meanwhile, unless the command writes to it as well."""
    subtasks = await attempt.unit.load(attempt.around.subtasks, parent_id, guard=True)
    return [await attempt.unit.load(attempt.around.tasks, task_id) for task_id in subtasks.task_ids]
