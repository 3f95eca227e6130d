"""Has an occurrence of a task that recurs be followed by the next, in the same append as what it follows from.

An occurrence names the one that follows it (`next_id`), in its own stream: of any number of writers one makes the next,
and what was reopened and is done again has it already.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid5

from sigdep.contracts.ids import TaskId
from sigdep.tasks.commands.tasks import MoveTask
from sigdep.tasks.domain.next_occurrence import Step, copy_of, made_anew, next_of, step_from
from sigdep.tasks.domain.subtasks import AddSubtask, TooManySubtasks
from sigdep.tasks.domain.subtasks import decide as decide_subtasks
from sigdep.tasks.domain.task import Task
from sigdep.tasks.events.tasks import (
    TaskCompleted,
    TaskCreated,
    TaskEvent,
    TaskReopened,
    TaskRepeated,
    TaskRepetitionWithdrawn,
    TaskRestored,
    TaskSkipped,
    TaskStarted,
    TaskTrashed,
)
from sigdep.tasks.writing.attempt import Attempt
from sigdep.tasks.writing.moves import decide_move
from sigdep.tasks.writing.references import task_at
from sigdep.tasks.writing.trees import levels_below

COPIED_TASKS_MAX: Final = 450
"""Tasks below an occurrence that the next one gets as well: with their entries in lists they fit into one append."""

_OCCURRENCES: Final = UUID("6d4a3a5e-3c0b-5a0e-8c39-2f0a8f5f3c11")
"""Namespace (RFC 9562 §5.5) of the ids of occurrences, and of the tasks below them."""

Over = TaskCompleted | TaskSkipped


async def keep_repeating(attempt: Attempt, task: Task, events: Sequence[TaskEvent]) -> None:
    """Make the next occurrence, or withdraw it, as the events of a task ask for that have just been recorded.

    Args:
        task: as it was before them.

    Raises:
        TooManySubtasks: more is below it than can be made anew, or too much stands beside it.
    """
    for event in events:
        match event:
            case TaskCompleted() | TaskSkipped():
                await _repeat(attempt, event)
            case TaskReopened() | TaskStarted() if task.status in ("done", "cancelled") and task.next_id is not None:
                await _withdraw(attempt, task, task.next_id, event)
            case _:
                continue


async def _repeat(attempt: Attempt, over: Over) -> None:
    tasks = attempt.around.tasks
    task = await attempt.unit.load(tasks, over.task_id)
    if task.recurrence is None or task.schedule is None or task.next_id is not None:
        return
    step = step_from(task, over.at)
    if step is None:
        return  # That was the last one.
    next_id, following = await _following(attempt, task)
    if following.version == 0 or following.trashed_at is not None:
        plan = await _plan(attempt, task, next_id)
        fresh = next_of(task, step, next_id, plan.ids, over.by, over.at)
        if following.version == 0:
            await _create(attempt, fresh)
        else:
            await _bring_back(attempt, task, following, fresh)
        await _copy_below(attempt, task, next_id, plan, step, over)
    attempt.record(tasks, task.id, [TaskRepeated(task_id=task.id, next_id=next_id, by=over.by, at=over.at)])


async def _following(attempt: Attempt, task: Task) -> tuple[TaskId, Task]:
    """The id of the next occurrence, and what it is where it has been made before.

    The id is always the same, unless somebody has given it to something else: then it is one that nobody foresees.
    """
    tasks, number = attempt.around.tasks, (task.occurrence or 1) + 1
    next_id = TaskId(uuid5(_OCCURRENCES, f"{task.series_id}/{number}"))
    found = await attempt.unit.load(tasks, next_id)
    if found.version == 0 or (found.workspace_id, found.series_id, found.occurrence) == (
        attempt.workspace,
        task.series_id,
        number,
    ):
        return next_id, found
    return _unforeseen(attempt)


def _unforeseen(attempt: Attempt) -> tuple[TaskId, Task]:
    task_id = TaskId(attempt.make_id())
    return task_id, attempt.unit.begin(attempt.around.tasks, task_id)


async def _create(attempt: Attempt, created: TaskCreated) -> None:
    if created.parent_id is not None:
        subtasks = attempt.around.subtasks
        await task_at(attempt, created.parent_id, "/parent_id")
        below = await attempt.unit.load(subtasks, created.parent_id)
        added = AddSubtask(parent_id=created.parent_id, task_id=created.task_id, by=created.by, at=created.at)
        attempt.record(subtasks, created.parent_id, decide_subtasks(added, below))
    attempt.record(attempt.around.tasks, created.task_id, [created])


# ── what is below ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Plan:
    """Which tasks below an occurrence the next one gets as well."""

    ids: dict[TaskId, TaskId]
    """Of the copies, by the originals; the occurrence itself is among them."""
    missing: list[Task] = field(default_factory=list)
    """Originals whose copies are to be made, each after the one above it."""


async def _plan(attempt: Attempt, task: Task, next_id: TaskId) -> _Plan:
    """All that is below the task, done or not, but what is in the trash, and what has a next one of its own there."""
    tasks, plan = attempt.around.tasks, _Plan({task.id: next_id})
    for level in await levels_below(attempt, task.id):
        for below in level:
            original = await attempt.unit.load(tasks, below.id, guard=True)
            if original.trashed_at is not None or original.next_id is not None or original.parent_id not in plan.ids:
                continue
            copy_id = TaskId(uuid5(_OCCURRENCES, f"{next_id}/{original.id}"))
            copy = await attempt.unit.load(tasks, copy_id)
            if copy.version > 0 and copy.workspace_id != attempt.workspace:
                copy_id, _ = _unforeseen(attempt)
            elif copy.version > 0:
                if copy.parent_id == plan.ids[original.parent_id]:
                    plan.ids[original.id] = copy_id
                continue  # It was made before: it is there, or comes back with the others, or was taken away since.
            plan.ids[original.id] = copy_id
            plan.missing.append(original)
    if len(plan.missing) > COPIED_TASKS_MAX:
        raise TooManySubtasks(
            f"More than {COPIED_TASKS_MAX} tasks are below this one: the next occurrence cannot be given as many. Take "
            "some of them elsewhere, or away the recurrence."
        )
    return plan


async def _copy_below(attempt: Attempt, task: Task, next_id: TaskId, plan: _Plan, step: Step, over: Over) -> None:
    tasks = attempt.around.tasks
    for original in plan.missing:
        assert original.parent_id is not None
        parent = await attempt.unit.load(tasks, plan.ids[original.parent_id])
        if parent.trashed_at is None:
            await _create(attempt, copy_of(original, step, plan.ids, parent, over.by, over.at))


# ── back and forth ──────────────────────────────────────────────────────────────────────────────────────


async def _bring_back(attempt: Attempt, task: Task, following: Task, fresh: TaskCreated) -> None:
    """The next occurrence out of the trash, as it would be made now, and with it what went there along with it."""
    tasks, by, at = attempt.around.tasks, fresh.by, fresh.at
    back = TaskRestored(task_id=following.id, by=by, at=at)
    restored = attempt.record(tasks, following.id, [back, *made_anew(following, fresh)])
    for level in await levels_below(attempt, following.id):
        for below in level:
            if below.trashed_with == following.id:
                attempt.record(tasks, below.id, [TaskRestored(task_id=below.id, by=by, at=at)])
    place = (task.project_id, task.parent_id, task.rank)
    if (restored.project_id, restored.parent_id, restored.rank) != place:
        project_id, parent_id, rank = place
        move = MoveTask(task_id=following.id, by=by, at=at, project_id=project_id, parent_id=parent_id, rank=rank)
        await decide_move(attempt, move, restored)


async def _withdraw(attempt: Attempt, task: Task, next_id: TaskId, why: TaskReopened | TaskStarted) -> None:
    """Put the next occurrence into the trash, unless something has happened to it, or below it, since it was made."""
    tasks = attempt.around.tasks
    following = await attempt.unit.load(tasks, next_id)
    if following.trashed_at is not None or following.updated_at != task.repeated_at:
        return
    below = [one for level in await levels_below(attempt, next_id) for one in level]
    if any(one.updated_at > following.updated_at for one in below):
        return
    attempt.record(tasks, next_id, [TaskTrashed(task_id=next_id, by=why.by, at=why.at)])
    for one in below:
        if one.trashed_at is None:
            trashed = TaskTrashed(task_id=one.id, by=why.by, at=why.at, trashed_with=next_id)
            attempt.record(tasks, one.id, [trashed])
    withdrawn = TaskRepetitionWithdrawn(task_id=task.id, next_id=next_id, by=why.by, at=why.at)
    attempt.record(tasks, task.id, [withdrawn])
