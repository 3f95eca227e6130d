"""The read model is what the events say, however they are cut into batches."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from random import Random
from uuid import UUID

import msgspec
import pytest

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.contracts.ids import CommentId, TaskId, WorkspaceId
from sigdep.kernel.ids import SubjectId
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import PAGE_ROWS_MAX, Contains, Key, ReadStore, Row, Select, Table
from sigdep.services.verifying import verify_read_model
from sigdep.tasks.domain.task import Task
from sigdep.tasks.events.oblivion import WorkspaceForgotten
from sigdep.tasks.events.tasks import (
    CommentDeleted,
    CommentEdited,
    TaskCommented,
    TaskCompleted,
    TaskCreated,
    TaskEdited,
    TaskReopened,
    TaskRestored,
    TaskTrashed,
)
from sigdep.tasks.read_models.blockers import WAITING
from sigdep.tasks.read_models.model import TasksReadModel
from sigdep.tasks.read_models.task_rows import ASSIGNMENTS, TASKS, assignment_key, task_row
from tests.tasks.filters import ME, NOW, OTHER, WORKSPACE
from tests.tasks.read_stories import Story
from tests.tasks.read_world import World


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    store: ReadStore
    store = MemoryReadStore() if request.param == "memory" else await SqliteReadStore.open(tmp_path / "views.db")
    yield await World(store).start()
    await store.close()


async def rows_of(world: World, table: Table) -> Mapping[Key, Row]:
    page = await world.store.select(world.model_id, Select(table=table, limit=PAGE_ROWS_MAX))
    return {tuple(row[column] for column in table.key): row for row in page.rows}


async def everything(world: World) -> dict[str, Mapping[Key, Row]]:
    return {table.name: await rows_of(world, table) for table in TasksReadModel().tables}


def is_blocked(task: Task, tasks: Mapping[TaskId, Task]) -> bool:
    blockers = [tasks[one] for one in task.blocked_by if one in tasks]
    return any(one.status in ("open", "in_progress") and one.trashed_at is None for one in blockers)


async def expect_the_truth(world: World) -> None:
    """Every row is made of the task that the events make, and no row is too many."""
    rows = await rows_of(world, TASKS)
    assert rows.keys() == {(task,) for task in world.tasks}
    assigned: dict[Key, Row] = {}
    for identity, task in world.tasks.items():
        row = rows[identity,]
        document = row["document"]
        assert isinstance(document, bytes)
        assert msgspec.json.decode(document, type=Task) == task
        expected = task_row(task, version=task.version, document=document, blocked=is_blocked(task, world.tasks))
        assert row == expected
        for assignee in task.assignee_ids:
            assigned[assignment_key(assignee, identity),] = row
    found = await rows_of(world, ASSIGNMENTS)
    assert found.keys() == assigned.keys()
    for key, row in found.items():
        shared = row.keys() & assigned[key].keys()
        assert {name: row[name] for name in shared} == {name: assigned[key][name] for name in shared}
        assert len(shared) >= 10


@pytest.mark.parametrize("seed", range(6))
async def test_every_row_is_what_its_events_say(world: World, seed: int) -> None:
    random = Random(seed)
    story = Story(world, random)
    for _ in range(12):
        await story.tell(12)
        await world.project(random.choice([1, 3, 7, 1_000]))
        await expect_the_truth(world)
    assert any(row["blocked"] for row in (await rows_of(world, TASKS)).values())


@pytest.mark.parametrize("batch_events", [1, 2, 5, None])
async def test_a_rebuild_gives_the_same_rows_in_all_tables(world: World, batch_events: int | None) -> None:
    await Story(world, Random(11)).tell(150)
    await world.project(13)
    before = await everything(world)
    assert all(before[name] for name in ("tasks", "assignments", "waiting", "comments", "projects"))
    await world.rebuild(batch_events)
    assert await everything(world) == before
    assert await verify_read_model(world.log, world.store, TasksReadModel(), scratch=MemoryReadStore()) == []


async def test_a_batch_that_was_projected_and_not_committed_is_projected_again(world: World) -> None:
    """What the model remembers of the lost batch must not show."""
    story = Story(world, Random(5))
    await story.tell(30)
    await world.project()
    await story.tell(30)
    lost = await world.log.read_all(world.positions)
    await world.model.project(lost, Rows(world.store, world.model_id))
    await world.project(9)
    await expect_the_truth(world)


async def test_those_who_wait_are_kept_in_order(world: World) -> None:
    """The same bytes, whoever began to wait first."""
    hub = await world.task("Hub")
    waiters = [await world.task(f"Waiter {number}") for number in range(20)]
    for waiter in reversed(waiters):
        await world.edit(waiter, blocked_by=(hub,))
        await world.project()
    assert (await rows_of(world, WAITING))[hub,]["tasks"] == b"".join(waiter.bytes for waiter in waiters)


# ── blocked ─────────────────────────────────────────────────────────────────────────────────────────────


async def blocked(world: World, task: TaskId) -> object:
    await world.project(1)
    row = await world.store.get(world.model_id, TASKS, (task,))
    assert row is not None
    return row["blocked"]


async def test_a_task_is_blocked_while_one_of_its_blockers_is_open(world: World) -> None:
    first, second = await world.task("First"), await world.task("Second")
    waiting = await world.task("Waiting", blocked_by=(first, second), assignee_ids=(ME,))
    assert await blocked(world, waiting) is True
    await world.happen(TaskCompleted, first)
    assert await blocked(world, waiting) is True
    await world.happen(TaskTrashed, second)
    assert await blocked(world, waiting) is False
    await world.happen(TaskRestored, second)
    assert await blocked(world, waiting) is True
    await world.edit(waiting, blocked_by=(first,))
    assert await blocked(world, waiting) is False
    await world.happen(TaskReopened, first)
    assert await blocked(world, waiting) is True
    mine = await world.store.get(world.model_id, ASSIGNMENTS, (assignment_key(ME, waiting),))
    assert mine is not None
    assert mine["blocked"] is True
    await world.edit(waiting, blocked_by=())
    assert await blocked(world, waiting) is False
    assert await rows_of(world, WAITING) == {}


@pytest.mark.parametrize("batch_events", [1, 2, 100])
async def test_a_blocker_may_come_to_be_after_the_task_that_waits_for_it(world: World, batch_events: int) -> None:
    """The streams of one append stand in any order."""
    waiting = await world.task("Waiting")
    blocker = TaskId(world.new_id())
    await world.append(
        TaskEdited(task_id=waiting, by=ME, at=world.tick(), blocked_by=(blocker,)),
        TaskCreated(task_id=blocker, workspace_id=WORKSPACE, title="Late", rank="a", by=ME, at=world.tick()),
    )
    await world.project(batch_events)
    assert await blocked(world, waiting) is True
    await world.happen(TaskCompleted, blocker)
    assert await blocked(world, waiting) is False


async def test_two_tasks_that_wait_for_each_other(world: World) -> None:
    one = await world.task("One")
    other = await world.task("Other", blocked_by=(one,))
    await world.edit(one, blocked_by=(other,))
    assert await blocked(world, one) is await blocked(world, other) is True
    await world.happen(TaskCompleted, one)
    assert (await blocked(world, one), await blocked(world, other)) == (True, False)


async def test_many_tasks_may_wait_for_one(world: World) -> None:
    hub = await world.task("Hub")
    waiters = [await world.task(f"Waiter {number}", blocked_by=(hub,)) for number in range(300)]
    await world.project()
    await world.happen(TaskCompleted, hub)
    await world.project()
    await expect_the_truth(world)
    await world.happen(TaskReopened, hub)
    await world.project()
    await expect_the_truth(world)
    assert await blocked(world, waiters[-1]) is True


# ── comments and assignees ──────────────────────────────────────────────────────────────────────────────


async def test_a_comment_is_edited_and_deleted(world: World) -> None:
    task, comment = await world.task(), CommentId(world.new_id())
    await world.happen(TaskCommented, task, comment_id=comment, text="First")
    await world.project(1)
    await world.happen(CommentEdited, task, comment_id=comment, text="Second")
    await world.project(1)
    (row,) = (await everything(world))["comments"].values()
    assert b'"text":"Second"' in row["document"]  # type: ignore[operator]  # Bytes.
    await world.happen(CommentDeleted, task, comment_id=comment)
    await world.happen(CommentEdited, task, comment_id=comment, text="Too late")
    await world.project(1)
    assert (await everything(world))["comments"] == {}


async def test_sets_hold_ids_as_text(world: World) -> None:
    task = await world.task(assignee_ids=(ME, OTHER))
    await world.project()
    for person in (ME, OTHER):
        where = Contains("assignees", str(person))
        page = await world.store.select(world.model_id, Select(table=TASKS, where=where))
        assert [row["id"] for row in page.rows] == [task]


# ── forgetting ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("batch_events", [1, 3, 1_000])
async def test_a_workspace_that_is_forgotten_leaves_no_row(world: World, batch_events: int) -> None:
    """Whether its events could still be read when they were projected, or no more."""
    other = WorkspaceId(UUID(int=(5 << 64) + WORKSPACE.int))
    await Story(world, Random(3)).tell(60)
    kept = await world.task("Kept", workspace=other, assignee_ids=(ME,))
    if batch_events == 3:
        await world.project()
    await world.keys.destroy(SubjectId(WORKSPACE))
    forgotten = WorkspaceForgotten(workspace_id=WORKSPACE, at=world.tick())
    await world.append(forgotten, workspace=WORKSPACE, subject=SubjectId(UUID(int=0)))
    await world.project(batch_events)
    world.tasks = {kept: world.tasks[kept]}
    await expect_the_truth(world)
    rows = await everything(world)
    assert all({row["workspace_id"] for row in table.values()} <= {other} for table in rows.values())
    await world.rebuild()
    assert await everything(world) == rows


async def test_what_is_forgotten_in_the_batch_in_which_it_was_made_is_gone(world: World) -> None:
    await Story(world, Random(3)).tell(30)
    await world.append(WorkspaceForgotten(workspace_id=WORKSPACE, at=NOW), subject=SubjectId(UUID(int=0)))
    await world.project()
    assert not any((await everything(world)).values())
    await world.happen(TaskCompleted, next(iter(world.tasks)))  # Written by somebody who did not know yet.
    await world.project()
    assert not any((await everything(world)).values())
