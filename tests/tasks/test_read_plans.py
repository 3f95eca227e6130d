"""Lists that people look at all day walk along an index, and read little more than they show."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.contracts.agenda import FindAgenda
from sigdep.contracts.ids import ProjectId, TaskId, UserId
from sigdep.contracts.reminding import FindDueTasks
from sigdep.kernel.projection import Rows
from sigdep.tasks.queries import ListTasks
from sigdep.tasks.read_models.blockers import put_assignments
from sigdep.tasks.read_models.task_rows import TASKS, task_row
from tests.tasks.filters import ME, NOW, some_task
from tests.tasks.read_world import World, call

TASKS_MANY = 4_000
PROJECT = ProjectId(UUID(int=500))

DUE_SOON = FindDueTasks(since=NOW, until=NOW + timedelta(days=8), limit=50)

HOT: dict[str, ListTasks | FindAgenda | FindDueTasks] = {
    "my open tasks due this week": ListTasks(status=("open",), assignee_id=("me",), due_before="next week"),
    "the same by filter": ListTasks(filter="open and assignee = me and due = this week"),
    "open tasks due this week": ListTasks(status=("open",), due_before="next week"),
    "everything": ListTasks(),
    "everything, latest due first": ListTasks(sort="-due_at"),
    "my tasks as arranged": ListTasks(assignee_id=("me",), sort="rank"),
    "newest": ListTasks(sort="-created_at"),
    "changed last": ListTasks(sort="-updated_at"),
    "most urgent": ListTasks(sort="-priority"),
    "a project as arranged": ListTasks(project_id=(str(PROJECT),), sort="rank"),
    "subtasks": ListTasks(parent_id=(str(UUID(int=99)),), sort="rank"),
    "the trash": ListTasks(trashed=True),
    "one number": ListTasks(filter="T-17", sort="rank"),
    "what is due soon, whosever": DUE_SOON,
    "an agenda": FindAgenda(since=NOW, until=NOW + timedelta(days=31), time_zone="Europe/Berlin"),
}

EVERYTHING_READ = ListTasks(filter="scheduled > +9y or T-3999", sort="rank")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """One person of many in a workspace with many tasks."""
    store = await SqliteReadStore.open(tmp_path / "views.db")
    world = await World(store).start()
    random = Random(1)
    rows = Rows(store, world.model_id)
    for number in range(TASKS_MANY):
        task = some_task(random, TaskId(UUID(int=(1 << 100) + number)), number + 1)
        changed: dict[str, Any] = {
            "assignee_ids": (ME,) if number % 20 == 0 else (UserId(UUID(int=1_000 + number % 19)),),
            "status": random.choice(["open", "open", "done"]),
            "trashed_at": NOW if number % 50 == 7 else None,
            "project_id": PROJECT if number % 10 == 0 else None,
            "parent_id": None,
            "rank": f"a{number:05}",
            "created_at": NOW - timedelta(minutes=number),
            "updated_at": NOW - timedelta(minutes=number * 7 % 4_001),
        }
        row = task_row(replace(task, **changed), version=1, document=b"{}", blocked=False)
        rows.put(TASKS, row)
        put_assignments(rows, task.id, row, changed["assignee_ids"])
    await store.commit(world.model_id, rows.changes(), before={}, after={})
    yield world
    await store.close()


STEPS_MAX = 8_000
"""SQLite counts its own steps. To look at every task takes 40,000 and more; a page of 50 along an index, some 2,000."""


async def _items(world: World, query: ListTasks | FindAgenda | FindDueTasks) -> Sequence[Any]:
    if isinstance(query, FindDueTasks):
        due: Sequence[Any] = (await world.read.ask(query, replace(call(), principal=None))).value.tasks
        return due
    if isinstance(query, FindAgenda):
        entries: Sequence[Any] = (await world.ask(query)).value.entries
        return entries
    return await world.items(query)


async def test_a_list_of_every_day_reads_few_rows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 100
        return 0

    store: Any = world.store
    select = store._select

    def counted(connection: Any, *arguments: Any) -> Any:
        connection.set_progress_handler(count, 100)
        return select(connection, *arguments)

    monkeypatch.setattr(store, "_select", counted)
    taken: dict[str, int] = {}
    for name, query in {**HOT, "a question without an index": EVERYTHING_READ}.items():
        await _items(world, query)
        steps = 0
        items = await _items(world, query)
        assert items or name == "subtasks", name
        taken[name] = steps
    assert taken.pop("a question without an index") > STEPS_MAX, "The steps are counted."
    assert max(taken.values()) < STEPS_MAX, taken
