"""Where tasks and projects stand among their neighbours, as people arrange them."""

from typing import Any

import pytest

from sigdep.kernel.errors import Invalid
from sigdep.tasks.commands.projects import EditProject, MoveProject
from tests.tasks.stories import HOME
from tests.tasks.write_side import World


async def titles(world: World) -> list[str]:
    tasks = sorted((await world.tasks()).values(), key=lambda task: (task.rank, task.id))
    return [task.title for task in tasks]


async def test_new_tasks_come_last(world: World) -> None:
    for title in "abc":
        await world.create(title)
    assert await titles(world) == ["a", "b", "c"]


async def test_a_task_goes_directly_before_after_or_between_others(world: World) -> None:
    a, b, c, d = [await world.create(title) for title in "abcd"]
    await world.move(d, before_id=b.id)
    assert await titles(world) == ["a", "d", "b", "c"]
    await world.move(a, after_id=b.id)
    assert await titles(world) == ["d", "b", "a", "c"]
    await world.move(c, after_id=d.id, before_id=b.id)
    assert await titles(world) == ["d", "c", "b", "a"]
    await world.move(d)
    assert await titles(world) == ["c", "b", "a", "d"]
    await world.move(a, rank=(await world.task(c)).rank)
    await world.edit(b, rank=(await world.task(d)).rank)
    assert (await world.task(a)).rank == (await world.task(c)).rank


async def test_no_move_changes_another_task(world: World) -> None:
    a, b, c = [await world.create(title) for title in "abc"]
    for _ in range(20):
        await world.move(c, after_id=a.id)
        await world.move(c, before_id=a.id)
    assert (await world.task(a), await world.task(b)) == (a, b)


async def test_writing_line_after_line_keeps_ranks_short(world: World) -> None:
    first, last = await world.create("first"), await world.create("last")
    newest = first
    for number in range(30):
        newest = await world.create(f"{number}", after_id=newest.id)
    assert await titles(world) == ["first", *(f"{number}" for number in range(30)), "last"]
    assert len(newest.rank) <= 12
    assert newest.rank < last.rank


async def test_a_new_task_can_name_its_neighbours(world: World) -> None:
    a, b = [await world.create(title) for title in "ab"]
    await world.create("first", before_id=a.id)
    await world.create("middle", after_id=a.id, before_id=b.id)
    assert await titles(world) == ["first", "a", "middle", "b"]


@pytest.mark.parametrize("fields", [{"rank": "no rank"}, {"rank": "W", "after_id": None}])
async def test_a_place_is_said_in_one_way_that_makes_sense(world: World, fields: dict[str, Any]) -> None:
    task = await world.create()
    fields = {name: task.id if value is None else value for name, value in fields.items()}
    for refused in (world.move(task, **fields), world.create(**fields)):
        with pytest.raises(Invalid) as refusal:
            await refused
        assert [fault.pointer for fault in refusal.value.faults] == ["/rank"]


async def test_projects_are_arranged_alike(world: World) -> None:
    a, b, c = [await world.project(name) for name in "abc"]

    async def names() -> list[str]:
        return [project.name for project in sorted((await world.states("project")).values(), key=lambda p: p.rank)]

    assert await names() == ["a", "b", "c"]
    await world.ask(MoveProject, project_id=c.id, after_id=a.id)
    assert await names() == ["a", "c", "b"]
    await world.ask(MoveProject, project_id=b.id, before_id=a.id)
    assert await names() == ["b", "a", "c"]
    await world.ask(MoveProject, project_id=b.id)
    assert await names() == ["a", "c", "b"]
    await world.project("first", before_id=a.id, workspace_id=HOME)
    assert await names() == ["first", "a", "c", "b"]
    answer = await world.ask(EditProject, project_id=c.id, rank=a.rank)
    assert answer.value.rank == a.rank
