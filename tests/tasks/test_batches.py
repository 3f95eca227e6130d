"""Many commands as one."""

from typing import Any

import pytest

from sigdep.kernel.errors import Invalid, NotFound, Refused
from sigdep.tasks.commands.tasks import (
    BatchedCommand,
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
from sigdep.tasks.writing.batches import OPERATIONS_MAX
from sigdep.tasks.writing.comments import CommentExists
from tests.tasks.stories import ADA, BOB, BREAD, CAKE, HOME, MILK, NOON, NOTE, TEAM
from tests.tasks.write_side import World, if_match

BY: dict[str, Any] = {"by": ADA, "at": NOON}


async def change(world: World, *commands: BatchedCommand, **fields: Any) -> Any:
    return await world.ask(ChangeTasks, commands=commands, **fields)


async def test_operations_see_what_those_before_them_have_done(world: World) -> None:
    answer = await change(
        world,
        CreateTask(task_id=MILK, title="Milk", **BY),
        CreateTask(task_id=BREAD, title="Bread", parent_id=MILK, blocked_by=(MILK,), **BY),
        CreateTask(title="Cake", before_id=MILK, **BY),
        EditTask(task_id=BREAD, title="Rye bread", **BY),
        CompleteTask(task_id=MILK, **BY),
        ReopenTask(task_id=MILK, **BY),
        CommentOnTask(task_id=MILK, text="Lactose?", **BY),
        MoveTask(task_id=BREAD, parent_id=None, **BY),
        TrashTask(task_id=MILK, **BY),
        RestoreTask(task_id=MILK, **BY),
    )
    results = answer.value.results
    stored = await world.tasks()
    assert [result.id for result in results] == [MILK, BREAD, results[2].id, BREAD, MILK, MILK, MILK, BREAD, MILK, MILK]
    assert all(result == stored[result.id] for result in results)
    assert (results[1].title, results[1].parent_id, results[1].trashed_at) == ("Rye bread", None, None)
    assert (results[0].comment_count, results[0].version, results[0].status) == (1, 6, "open")
    assert results[2].rank < results[0].rank
    assert sorted(task.number for task in stored.values()) == [1, 2, 3]
    assert len({recorded.command_id for recorded in await world.events()}) == 1


@pytest.mark.parametrize(
    "last, error, pointer",
    [
        (EditTask(task_id=MILK, title="", **BY), Invalid, "/operations/2/title"),
        (CreateTask(title="x", labels=("none",), **BY), Invalid, "/operations/2/labels/0"),
        (CreateTask(title="x", workspace_id=TEAM, **BY), Invalid, "/operations/2/workspace_id"),
        (CompleteTask(task_id=CAKE, **BY), NotFound, None),
        (CreateTask(task_id=MILK, title="Other", **BY), Refused, None),
        (MoveTask(task_id=MILK, parent_id=BREAD, **BY), Refused, None),
    ],
)
async def test_the_fault_of_one_is_the_fault_of_all_and_is_named(
    world: World, last: BatchedCommand, error: type[Exception], pointer: str | None
) -> None:
    with pytest.raises(error) as refusal:
        await change(
            world,
            CreateTask(task_id=MILK, title="Milk", **BY),
            CreateTask(task_id=BREAD, title="Bread", parent_id=MILK, **BY),
            last,
        )
    assert refusal.value.detail.startswith("Operation 2: ")  # type: ignore[attr-defined]
    if isinstance(refusal.value, Invalid):
        assert [fault.pointer for fault in refusal.value.faults] == [pointer]
    assert world.size() == 0


async def test_a_batch_concerns_one_workspace(world: World) -> None:
    task, theirs = await world.create(), await world.create(workspace_id=TEAM)
    before = world.size()
    with pytest.raises(NotFound):
        await change(world, CompleteTask(task_id=task.id, **BY), CompleteTask(task_id=theirs.id, **BY))
    assert world.size() == before
    answer = await change(world, CompleteTask(task_id=theirs.id, **BY), CreateTask(title="x", **BY))
    assert {result.workspace_id for result in answer.value.results} == {TEAM}
    answer = await change(world, CreateTask(title="x", **BY), workspace_id=TEAM)
    assert answer.value.results[0].workspace_id == TEAM
    answer = await change(world, CreateTask(title="x", **BY))
    assert answer.value.results[0].workspace_id == HOME


async def test_a_batch_of_things_that_only_the_batch_knows_is_personal(world: World) -> None:
    answer = await change(
        world, CreateTask(task_id=MILK, title="Milk", **BY), CreateTask(title="Below", parent_id=MILK, **BY)
    )
    assert {result.workspace_id for result in answer.value.results} == {HOME}


async def test_two_comments_of_a_batch_have_two_ids(world: World) -> None:
    task = await world.create()
    comment = CommentOnTask(task_id=task.id, comment_id=NOTE, text="Lactose?", **BY)
    with pytest.raises(CommentExists) as refusal:
        await change(world, comment, comment)
    assert refusal.value.detail.startswith("Operation 1: ")


async def test_a_batch_of_a_stranger_finds_nothing(world: World) -> None:
    task = await world.create()
    with pytest.raises(NotFound) as refusal:
        await world.ask(ChangeTasks, by=BOB, commands=(CompleteTask(task_id=task.id, **BY),))
    assert refusal.value.detail.startswith("Operation 0: ")


@pytest.mark.parametrize("size", [0, OPERATIONS_MAX + 1])
async def test_a_batch_holds_something_and_not_too_much(world: World, size: int) -> None:
    with pytest.raises(Invalid) as refusal:
        await change(world, *[CreateTask(title="x", **BY)] * size)
    assert [fault.pointer for fault in refusal.value.faults] == ["/operations"]


async def test_a_full_batch_is_one_append(world: World) -> None:
    answer = await change(world, *[CreateTask(title="x", **BY)] * OPERATIONS_MAX)
    ranks = [result.rank for result in answer.value.results]
    assert ranks == sorted(set(ranks))
    assert [result.number for result in answer.value.results] == list(range(1, OPERATIONS_MAX + 1))
    assert len({batch for partition in world.log.partitions.values() for batch in partition.links}) == 1


async def test_a_dry_run_of_a_batch_shows_all_and_stores_nothing(world: World) -> None:
    answer = await change(
        world,
        CreateTask(task_id=MILK, title="Milk", **BY),
        CompleteTask(task_id=MILK, **BY),
        call={"dry_run": True},
    )
    assert [result.status for result in answer.value.results] == ["done", "done"]
    assert world.size() == 0


async def test_one_version_cannot_guard_many(world: World) -> None:
    with pytest.raises(Invalid):
        await change(world, CreateTask(title="x", **BY), call=if_match(1))


async def test_several_after_the_same_one_stand_in_the_order_they_ask_for(world: World) -> None:
    first, last = await world.create("first"), await world.create("last")
    answer = await change(world, *(CreateTask(title=f"{n}", after_id=first.id, **BY) for n in range(4)))
    ranks = [result.rank for result in answer.value.results]
    assert first.rank < ranks[3] < ranks[2] < ranks[1] < ranks[0] < last.rank
