"""What two commands at once lead to."""

import asyncio
from typing import Any

import pytest

from sigdep.kernel.errors import Stale
from sigdep.tasks.commands.tasks import CommentOnTask, CompleteTask, CreateTask, EditTask
from tests.tasks.stories import HOME, MILK, TEAM
from tests.tasks.write_side import World, if_match


async def test_two_at_once_that_change_different_fields_lose_neither(world: World) -> None:
    task = await world.create()
    for service in (world.service, world.process()[1]):  # In one process, and in two.
        await asyncio.gather(
            world.ask(EditTask, task_id=task.id, title="Oat milk", priority="low"),
            world.ask(EditTask, task_id=task.id, description="Two bottles", service=service),
        )
        now = await world.task(task)
        assert (now.title, now.description) == ("Oat milk", "Two bottles")
        task = await world.edit(now, title="Buy milk", description=None)


async def test_if_match_turns_the_stale_one_away_and_it_writes_nothing(world: World) -> None:
    task = await world.create()
    fields: dict[str, Any] = {"task_id": task.id, "call": if_match(1)}
    results = await asyncio.gather(
        world.ask(EditTask, title="Oat milk", **fields),
        world.ask(EditTask, description="Two bottles", **fields),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Answer", "Stale"]
    assert (await world.task(task)).version == 2
    with pytest.raises(Stale):
        await world.ask(CompleteTask, task_id=task.id, call=if_match(7))
    assert (await world.ask(CompleteTask, task_id=task.id, call=if_match(2))).version == 3


async def test_if_match_sees_what_another_process_has_written(world: World) -> None:
    task = await world.create()
    _, other = world.process()
    await world.ask(EditTask, task_id=task.id, title="Oat milk", service=other)
    _, another = world.process()
    await world.ask(EditTask, task_id=task.id, title="Soy milk", service=another, call=if_match(2))
    assert (await world.ask(EditTask, task_id=task.id, title="Rice", service=other, call=if_match(3))).version == 4
    with pytest.raises(Stale):
        await world.ask(EditTask, task_id=task.id, title="Nut", service=another, call=if_match(3))


async def test_a_hundred_at_once_on_one_task_take_turns_instead_of_racing(world: World) -> None:
    task = await world.create()
    await asyncio.gather(*(world.ask(CommentOnTask, task_id=task.id, text=f"Note {n}") for n in range(100)))
    await asyncio.gather(*(world.ask(CreateTask, title=f"{n}", parent_id=task.id) for n in range(100)))
    assert ((await world.task(task)).comment_count, len(await world.tasks())) == (100, 101)
    assert world.store.lost_races == 0


async def test_numbers_are_unique_in_a_workspace_without_gaps(world: World) -> None:
    services = [world.process()[1] for _ in range(4)]
    answers = await asyncio.gather(
        *(
            world.ask(CreateTask, title="x", workspace_id=(HOME, TEAM)[n % 2], service=services[n % 4])
            for n in range(200)
        )
    )
    for workspace in (HOME, TEAM):
        numbers = sorted(answer.value.number for answer in answers if answer.value.workspace_id == workspace)
        assert numbers == list(range(1, 101))
    stored = await world.tasks()
    assert all(stored[answer.value.id] == answer.value for answer in answers)


async def test_two_at_once_with_one_id_make_one_task(world: World) -> None:
    services = [world.process()[1] for _ in range(2)]
    results = await asyncio.gather(
        *(
            world.ask(CreateTask, task_id=MILK, title=f"Milk {n}", service=service)
            for n, service in enumerate(services)
        ),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Answer", "TaskExists"]
