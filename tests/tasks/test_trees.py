"""Subtasks: they move, leave and come back with what is above them, and never go in circles."""

import asyncio
from typing import Any

import pytest

from sigdep.kernel.errors import Invalid, Refused
from sigdep.tasks.commands.tasks import ChangeTasks, CreateTask, EditTask, MoveTask, RestoreTask, TrashTask
from sigdep.tasks.domain.subtasks import DEPTH_MAX, SUBTASKS_MAX, TREE_TASKS_MAX, TooDeep, TooManySubtasks, WouldCycle
from sigdep.tasks.domain.task import Task
from sigdep.tasks.domain.task_decisions import InTrash
from sigdep.tasks.writing.attempt import TooManyChanges
from sigdep.tasks.writing.moves import OtherProject
from sigdep.tasks.writing.tasks import ParentInTrash
from tests.tasks.stories import ADA, NOON, TEAM
from tests.tasks.write_side import Asked, World, if_match, without_version

TRIES = 15


async def line_of(world: World, length: int) -> list[Task]:
    """Tasks below one another, the top one first."""
    line = [await world.create("0")]
    for number in range(1, length):
        line.append(await world.create(str(number), parent_id=line[-1].id))
    return line


# ── circles and depth ───────────────────────────────────────────────────────────────────────────────────


async def test_a_task_is_never_below_itself(world: World) -> None:
    line = await line_of(world, 4)
    before = world.size()
    for below in line:
        with pytest.raises(WouldCycle):
            await world.move(line[0], parent_id=below.id)
        with pytest.raises(WouldCycle):
            await world.edit(line[0], parent_id=below.id)
    assert world.size() == before


async def test_of_two_moves_that_would_together_make_a_circle_one_is_refused(world: World) -> None:
    for _ in range(TRIES):
        one, other = await line_of(world, 2), await line_of(world, 2)
        services = [world.process()[1] for _ in range(2)]
        results = await asyncio.gather(
            world.ask(MoveTask, task_id=one[0].id, parent_id=other[1].id, service=services[0]),
            world.ask(MoveTask, task_id=other[0].id, parent_id=one[1].id, service=services[1]),
            return_exceptions=True,
        )
        assert sorted(type(result).__name__ for result in results) == ["Answer", "WouldCycle"]


async def test_of_two_blockers_that_would_together_make_a_circle_one_is_refused(world: World) -> None:
    for _ in range(TRIES):
        one, behind_one, other, behind_other = [await world.create() for _ in range(4)]
        await world.edit(behind_one, blocked_by=(one.id,))
        await world.edit(behind_other, blocked_by=(other.id,))
        services = [world.process()[1] for _ in range(2)]
        results = await asyncio.gather(
            world.ask(EditTask, task_id=one.id, blocked_by=(behind_other.id,), service=services[0]),
            world.ask(EditTask, task_id=other.id, blocked_by=(behind_one.id,), service=services[1]),
            return_exceptions=True,
        )
        assert sorted(type(result).__name__ for result in results) == ["Answer", "WouldCycle"]


async def test_blockers_go_in_no_circle_and_are_where_the_task_is(world: World) -> None:
    milk, bread, cake = [await world.create(title) for title in ("milk", "bread", "cake")]
    await world.edit(bread, blocked_by=(milk.id,))
    await world.edit(cake, blocked_by=(bread.id,))
    with pytest.raises(WouldCycle):
        await world.edit(milk, blocked_by=(cake.id,))
    with pytest.raises(Invalid):
        await world.edit(milk, blocked_by=(milk.id,))
    await world.trash(bread)
    assert (await world.edit(cake, blocked_by=(milk.id, bread.id))).blocked_by == (milk.id, bread.id)
    with pytest.raises(Invalid):
        await world.create(blocked_by=(bread.id,))


async def test_subtasks_nest_so_deep_and_no_deeper(world: World) -> None:
    line = await line_of(world, DEPTH_MAX)
    with pytest.raises(TooDeep):
        await world.create(parent_id=line[-1].id)
    pair = await line_of(world, 2)
    with pytest.raises(TooDeep):
        await world.move(pair[0], parent_id=line[-2].id)
    assert (await world.move(pair[0], parent_id=line[-3].id)).parent_id == line[-3].id


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_two_at_once_do_not_get_deeper_than_either_may(world: World, order: tuple[int, int]) -> None:
    upper, lower = await line_of(world, 25), await line_of(world, 25)
    asked: list[Asked] = [
        (MoveTask, {"task_id": lower[0].id, "parent_id": upper[-1].id}),
        (CreateTask, {"title": "one more", "parent_id": lower[-1].id}),
    ]
    with pytest.raises(TooDeep):
        await world.overtaken(asked[order[0]], asked[order[1]])


@pytest.mark.parametrize("slow", [MoveTask, EditTask])
async def test_a_move_that_is_overtaken_by_another_makes_no_circle(world: World, slow: type[Any]) -> None:
    one, other = await line_of(world, 3), await line_of(world, 3)
    with pytest.raises(WouldCycle):
        await world.overtaken(
            (slow, {"task_id": one[0].id, "parent_id": other[2].id}),
            (MoveTask, {"task_id": other[0].id, "parent_id": one[2].id}),
        )


async def test_a_subtask_is_not_added_below_a_task_that_is_on_its_way_into_the_trash(world: World) -> None:
    top, leaf = await line_of(world, 2)
    with pytest.raises(Invalid, match="in the trash"):
        await world.overtaken((CreateTask, {"title": "late", "parent_id": leaf.id}), (TrashTask, {"task_id": top.id}))


# ── moving ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_below_a_task_follows_it_into_another_project(world: World) -> None:
    house, garden = await world.project("House"), await world.project("Garden")
    top = await world.create(project_id=house.id)
    middle = await world.create(parent_id=top.id)
    leaf = await world.create(parent_id=middle.id)
    await world.trash(leaf)
    moved = await world.move(top, project_id=garden.id)
    stored = await world.tasks()
    assert moved == stored[top.id]
    assert {stored[task.id].project_id for task in (top, middle, leaf)} == {garden.id}
    assert (stored[middle.id].parent_id, stored[middle.id].rank) == (top.id, middle.rank)
    await world.edit(top, project_id=None)
    assert (await world.task(leaf)).project_id is None


async def test_a_task_put_below_another_is_in_its_project(world: World) -> None:
    house = await world.project()
    top, other = await world.create(project_id=house.id), (await line_of(world, 2))
    assert (await world.edit(other[0], parent_id=top.id)).project_id == house.id
    assert (await world.task(other[1])).project_id == house.id
    assert (await world.edit(other[0], parent_id=None)).project_id == house.id


async def test_a_subtask_leaves_the_project_only_with_its_parent_or_without_it(world: World) -> None:
    house, garden = await world.project("House"), await world.project("Garden")
    top = await world.create(project_id=house.id)
    leaf = await world.create(parent_id=top.id)
    with pytest.raises(OtherProject):
        await world.edit(leaf, project_id=garden.id)
    with pytest.raises(OtherProject):
        await world.create(parent_id=top.id, project_id=garden.id)
    moved = await world.edit(leaf, project_id=garden.id, parent_id=None)
    assert (moved.project_id, moved.parent_id) == (garden.id, None)
    await world.trash(top)
    assert (await world.task(leaf)).trashed_at is None


async def test_a_task_cannot_leave_its_workspace(world: World) -> None:
    task = await world.create()
    with pytest.raises(Refused, match="another workspace"):
        await world.move(task, workspace_id=TEAM)
    assert (await world.move(task, workspace_id=task.workspace_id)).workspace_id == task.workspace_id


async def test_a_subtask_that_is_added_during_a_move_is_in_the_new_project_too(world: World) -> None:
    house = await world.project()
    for _ in range(TRIES):
        top = await world.create()
        leaf = await world.create(parent_id=top.id)
        services = [world.process()[1] for _ in range(2)]
        added: Any
        _, added = await asyncio.gather(
            world.ask(MoveTask, task_id=top.id, project_id=house.id, service=services[0]),
            world.ask(CreateTask, title="late", parent_id=leaf.id, service=services[1]),
        )
        stored = await world.tasks()
        assert {stored[task.id].project_id for task in (top, leaf, added.value)} == {house.id}


async def test_a_task_has_so_many_subtasks_and_no_more(world: World) -> None:
    top = await world.create()
    commands = tuple(CreateTask(by=ADA, at=NOON, title=f"{n}", parent_id=top.id) for n in range(SUBTASKS_MAX))
    for part in (commands[:400], commands[400:]):
        await world.ask(ChangeTasks, commands=part)
    with pytest.raises(TooManySubtasks):
        await world.create(parent_id=top.id)
    free = await world.create()
    with pytest.raises(TooManySubtasks):
        await world.edit(free, parent_id=top.id)


async def test_a_tree_that_is_too_large_for_one_step_is_moved_in_parts(world: World) -> None:
    house = await world.project()
    top = await world.create()
    halves = [await world.create(parent_id=top.id) for _ in range(2)]
    for half in halves:
        commands = tuple(
            CreateTask(by=ADA, at=NOON, title=f"{n}", parent_id=half.id) for n in range(TREE_TASKS_MAX // 2)
        )
        for part in (commands[:250], commands[250:]):
            await world.ask(ChangeTasks, commands=part)
    for refused in (world.move(top, project_id=house.id), world.trash(top)):
        with pytest.raises(TooManySubtasks, match="Start with parts"):
            await refused
    trashing = tuple(TrashTask(by=ADA, at=NOON, task_id=half.id) for half in halves)
    extra = tuple(CreateTask(by=ADA, at=NOON, title=f"{n}") for n in range(20))
    with pytest.raises(TooManyChanges):
        await world.ask(ChangeTasks, commands=(*trashing, *extra))
    await world.trash(halves[0])
    await world.trash(halves[1])
    assert (await world.task(top)).trashed_at is None


async def test_many_at_once_below_one_task_are_all_there(world: World) -> None:
    top = await world.create()
    await asyncio.gather(*(world.ask(CreateTask, title=f"{n}", parent_id=top.id) for n in range(50)))
    await world.trash(top)
    assert sum(task.trashed_with == top.id for task in (await world.tasks()).values()) == 50
    assert (await world.task(top)).version == 2


# ── the trash ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_task_takes_all_below_it_into_the_trash_and_back(world: World) -> None:
    top, middle, leaf = await line_of(world, 3)
    before = await world.tasks()
    trashed = await world.trash(top)
    stored = await world.tasks()
    assert (trashed.trashed_with, stored[middle.id].trashed_with, stored[leaf.id].trashed_with) == (
        None,
        top.id,
        top.id,
    )
    assert all(task.trashed_by == ADA for task in stored.values())
    assert len({recorded.position for recorded in await world.events()}) == world.size()
    await world.restore(top)
    after = await world.tasks()
    assert {key: without_version(task) for key, task in after.items()} == {
        key: without_version(task) for key, task in before.items()
    }


async def test_what_went_into_the_trash_before_stays_there(world: World) -> None:
    top, middle, leaf = await line_of(world, 3)
    await world.trash(middle)
    await world.trash(top)
    await world.restore(top)
    stored = await world.tasks()
    assert stored[top.id].trashed_at is None
    assert (stored[middle.id].trashed_with, stored[leaf.id].trashed_with) == (None, middle.id)
    await world.restore(middle)
    assert all(task.trashed_at is None for task in (await world.tasks()).values())


async def test_nothing_comes_back_below_a_task_in_the_trash(world: World) -> None:
    top, middle, leaf = await line_of(world, 3)
    await world.trash(top)
    for below in (middle, leaf):
        with pytest.raises(ParentInTrash):
            await world.restore(below)
    with pytest.raises(Invalid, match="in the trash"):
        await world.create(parent_id=leaf.id)
    free = await world.create()
    with pytest.raises(Invalid, match="in the trash"):
        await world.edit(free, parent_id=leaf.id)
    with pytest.raises(InTrash):
        await world.edit(leaf, parent_id=None)


async def test_a_subtask_that_is_added_meanwhile_is_taken_along_or_refused(world: World) -> None:
    taken = refused = 0
    for _ in range(TRIES):
        top, leaf = await line_of(world, 2)
        services = [world.process()[1] for _ in range(2)]
        trashing: Any
        adding: Any
        trashing, adding = await asyncio.gather(
            world.ask(TrashTask, task_id=top.id, service=services[0]),
            world.ask(CreateTask, title="late", parent_id=leaf.id, service=services[1]),
            return_exceptions=True,
        )
        assert trashing.value.trashed_at is not None
        if isinstance(adding, Invalid):
            refused += 1
        else:
            taken += 1
            assert (await world.task(adding.value)).trashed_with == top.id
    assert taken
    assert refused


async def test_if_match_guards_the_one_task_that_was_named(world: World) -> None:
    top, middle, _ = await line_of(world, 3)
    await world.edit(middle, title="x")
    assert (await world.ask(TrashTask, task_id=top.id, call=if_match(1))).version == 2
    assert (await world.ask(RestoreTask, task_id=top.id, call=if_match(2))).version == 3
