"""Whatever people do, in whatever order and at the same time: some things always hold."""

import asyncio
import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sigdep.contracts.ids import ProjectId, TaskId
from sigdep.kernel.errors import SigdepError
from sigdep.kernel.ids import Version
from sigdep.tasks.commands.projects import ArchiveProject, CreateProject, RestoreProject, TrashProject, UnarchiveProject
from sigdep.tasks.commands.tasks import (
    ChangeTasks,
    CommentOnTask,
    CompleteTask,
    CreateTask,
    EditTask,
    MoveTask,
    ReopenTask,
    RestoreTask,
    TrashTask,
)
from sigdep.tasks.domain.subtasks import DEPTH_MAX
from sigdep.tasks.domain.task import Task
from sigdep.tasks.events.subtasks import SubtaskAdded, SubtaskRemoved
from tests.tasks.stories import ADA, NOON, identity
from tests.tasks.write_side import Asked, World

EXAMPLES = 400 if os.environ.get("SIGDEP_LONG") == "1" else 40

# Few things, so that they meet often.
tasks = st.integers(1, 7).map(lambda number: TaskId(identity(100 + number)))
projects = st.integers(1, 2).map(lambda number: ProjectId(identity(200 + number)))
BY: dict[str, Any] = {"by": ADA, "at": NOON}


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


PLACE: dict[str, st.SearchStrategy[Any]] = {
    "project_id": st.none() | projects,
    "parent_id": st.none() | tasks,
}
EDITS = optional(
    title=st.sampled_from(("a", "b")),
    status=st.sampled_from(("open", "in_progress", "done", "cancelled")),
    blocked_by=st.lists(tasks, max_size=2).map(tuple),
    custom=st.none() | st.dictionaries(st.sampled_from("xy"), st.none() | st.integers(0, 1), max_size=2),
    **PLACE,
)
PLACES = optional(before_id=tasks, after_id=tasks, **PLACE)


def of(kind: type[Any], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Asked]:
    return st.tuples(st.just(kind), st.fixed_dictionaries(fields))


def merged(asked: tuple[Asked, dict[str, Any]]) -> Asked:
    (kind, fields), more = asked
    return kind, fields | more


creations = st.tuples(of(CreateTask, task_id=tasks, title=st.just("t")), PLACES).map(merged)
changes = st.one_of(
    creations,
    st.tuples(of(EditTask, task_id=tasks), EDITS).map(merged),
    st.tuples(of(MoveTask, task_id=tasks), PLACES).map(merged),
    *(of(kind, task_id=tasks) for kind in (CompleteTask, ReopenTask, TrashTask, RestoreTask)),
    of(CommentOnTask, task_id=tasks, text=st.just("c")),
)
batches = st.lists(changes, min_size=1, max_size=4).map(
    lambda asked: (ChangeTasks, {"commands": tuple(kind(**BY, **fields) for kind, fields in asked)})
)
project_changes = st.one_of(
    *(of(kind, project_id=projects) for kind in (ArchiveProject, UnarchiveProject, TrashProject, RestoreProject))
)
rounds = st.lists(
    st.lists(st.one_of(changes, changes, changes, batches, project_changes), min_size=1, max_size=4),
    min_size=5,
    max_size=25,
)


@given(rounds)
@settings(max_examples=EXAMPLES, deadline=None)
def test_nothing_that_people_do_breaks_what_always_holds(asked: list[list[Asked]]) -> None:
    asyncio.run(_play(asked))


async def _play(asked: list[list[Asked]]) -> None:
    """Each round is asked at once, of three processes. Refusals are fine, as long as nothing breaks."""
    world = World()
    services = [world.process()[1] for _ in range(3)]
    for number in range(1, 5):  # Otherwise most of what is asked would be of nothing.
        await world.ask(CreateTask, task_id=TaskId(identity(100 + number)), title="t", service=services[0])
    for number in (1, 2):
        await world.ask(
            CreateProject, project_id=ProjectId(identity(200 + number)), name=f"{number}", service=services[0]
        )
    answers: list[Any] = []
    for one_round in asked:
        answers += await asyncio.gather(
            *(world.ask(kind, service=services[i % 3], **fields) for i, (kind, fields) in enumerate(one_round)),
            return_exceptions=True,
        )
    for answer in answers:
        assert isinstance(answer, SigdepError) or answer.position is not None, answer
    await _check_answers(world, answers)
    await _check_tasks(world)


async def _check_answers(world: World, answers: list[Any]) -> None:
    """What was answered is what the log says for that version: the same fold, wherever it runs."""
    for answer in answers:
        if isinstance(getattr(answer, "value", None), Task):
            repository = world.service._around.tasks
            stream = repository.decider.stream(answer.value.id)
            assert await repository.load_at(stream, Version(answer.value.version)) == answer.value


async def _check_tasks(world: World) -> None:
    stored = await world.tasks()
    numbers = sorted(task.number for task in stored.values())
    assert numbers == list(range(1, len(stored) + 1))
    for task in stored.values():
        line = _line(task, stored)
        assert len(line) <= DEPTH_MAX
        assert len({above.id for above in line}) == len(line), "A task is below itself."
        assert not _is_blocked_by_itself(task, stored)
        if task.parent_id is not None:
            parent = stored[task.parent_id]
            assert parent.project_id == task.project_id
            assert parent.trashed_at is None or task.trashed_at is not None
        if task.trashed_with is not None:
            assert task.trashed_with in {above.id for above in line[1:]}
        assert (task.completed_at is not None) == (task.status == "done")
        assert None not in task.custom.values()
    await _check_lists_of_subtasks(world, stored)


def _line(task: Task, stored: dict[Any, Task]) -> list[Task]:
    line = [task]
    while line[-1].parent_id is not None and len(line) <= DEPTH_MAX:
        line.append(stored[line[-1].parent_id])
    return line


def _is_blocked_by_itself(task: Task, stored: dict[Any, Task]) -> bool:
    walked, waiting = set(), list(task.blocked_by)
    while waiting:
        blocker = waiting.pop()
        if blocker not in walked:
            walked.add(blocker)
            waiting += stored[blocker].blocked_by
    return task.id in walked


async def _check_lists_of_subtasks(world: World, stored: dict[Any, Task]) -> None:
    listed = set()
    for recorded in await world.events():
        match recorded.event:
            case SubtaskAdded(parent_id=parent_id, task_id=task_id):
                listed.add((parent_id, task_id))
            case SubtaskRemoved(parent_id=parent_id, task_id=task_id):
                listed.remove((parent_id, task_id))
            case _:
                pass
    assert listed == {(task.parent_id, task.id) for task in stored.values() if task.parent_id is not None}
