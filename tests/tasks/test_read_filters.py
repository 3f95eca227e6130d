"""A filter finds in the read stores what it means in plain Python, whatever the table and the order."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import ReadStore
from sigdep.tasks.domain.task import Task
from sigdep.tasks.filter.syntax import Filter, FlagIs, print_filter
from sigdep.tasks.queries import ListTasks
from sigdep.tasks.read_models.blockers import put_assignments
from sigdep.tasks.read_models.labels import LABELS as LABEL_TABLE
from sigdep.tasks.read_models.projects import PROJECTS as PROJECT_TABLE
from sigdep.tasks.read_models.task_rows import TASKS, folded, task_row
from tests.tasks.filters import (
    ARCHIVED,
    LABELS,
    NOW,
    PROJECTS,
    TASK_IDS,
    WORKSPACE,
    ZONES,
    Meaning,
    every_term,
    filters,
    some_task,
)
from tests.tasks.read_world import World

SORTS = ["due_at", "-due_at", "rank", "-updated_at", "created_at", "priority", "-number"]


def forty_tasks() -> list[Task]:
    random = Random(4)
    ids = [*TASK_IDS, *(UUID(int=100 + number) for number in range(32))]
    return [some_task(random, identity, number) for number, identity in enumerate(ids, 1)]  # type: ignore[arg-type]


TASKS_THERE = forty_tasks()


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    store: ReadStore
    store = MemoryReadStore() if request.param == "memory" else await SqliteReadStore.open(tmp_path / "views.db")
    world = await World(store).start()
    rows = Rows(store, world.model_id)
    meaning = Meaning(ZONES[0], TASKS_THERE)
    for task in TASKS_THERE:
        row = task_row(task, version=1, document=b'"%s"' % str(task.id).encode(), blocked=meaning.is_blocked(task))
        rows.put(TASKS, row)
        put_assignments(rows, task.id, row, task.assignee_ids)
    common: dict[str, Any] = {"workspace_id": WORKSPACE, "version": 1, "document": b"{}", "trashed": False}
    for name, label in LABELS.items():
        rows.put(LABEL_TABLE, {**common, "id": label, "name": name, "name_folded": folded(name)})
    for name, project in PROJECTS.items():
        hidden = project in ARCHIVED
        known: dict[str, Any] = {
            "id": project,
            "name_folded": folded(name),
            "archived": hidden,
            "hidden": hidden,
            "rank": "a",
        }
        rows.put(PROJECT_TABLE, {**common, **known, "created_at": NOW, "updated_at": NOW})
    await store.commit(world.model_id, rows.changes(), before={}, after={})
    yield world
    await store.close()


async def found_by(world: World, query: ListTasks) -> set[UUID]:
    return {UUID(str(item)) for item in await world.items(query)}


def meant_by(tree: Filter, zone: ZoneInfo) -> set[UUID]:
    meaning = Meaning(zone, TASKS_THERE)
    return {task.id for task in TASKS_THERE if meaning.holds(tree, task)}


def listed(tree: Filter, **asked: Any) -> ListTasks:
    """The filter with no word of the trash or of the archive left unsaid."""
    return ListTasks(filter=f"({print_filter(tree)}) and (trashed or not trashed)", archived=True, limit=200, **asked)


async def test_every_term_finds_what_it_means(world: World) -> None:
    for number, tree in enumerate(every_term()):
        sort: Any = SORTS[number % len(SORTS)]
        zone = ZONES[number % len(ZONES)]
        assert await found_by(world, listed(tree, sort=sort, time_zone=str(zone))) == meant_by(tree, zone), (
            print_filter(tree)
        )


@settings(
    max_examples=120,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(tree=filters, sort=st.sampled_from(SORTS), zone=st.sampled_from(ZONES))
async def test_every_filter_finds_what_it_means(world: World, tree: Filter, sort: Any, zone: ZoneInfo) -> None:
    assert await found_by(world, listed(tree, sort=sort, time_zone=str(zone))) == meant_by(tree, zone)


async def test_unless_asked_for_the_trash_and_the_archive_stay_out(world: World) -> None:
    shown = {task.id for task in TASKS_THERE if task.trashed_at is None and task.project_id not in ARCHIVED}
    assert 5 < len(shown) < len(TASKS_THERE)
    for sort in SORTS:
        query = ListTasks(sort=sort, limit=200)  # type: ignore[arg-type]  # One of the sorts.
        assert await found_by(world, query) == shown
        mine = {task.id for task in TASKS_THERE if task.id in shown and UUID(int=1) in task.assignee_ids}
        assert await found_by(world, replace(query, assignee_id=("me",))) == mine
        assert await found_by(world, replace(query, filter="open")) == shown & meant_by(FlagIs("open"), ZONES[0])
