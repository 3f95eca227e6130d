"""A command that comes again is carried out once."""

import asyncio
from typing import Any

import pytest

from sigdep.kernel.errors import KeyReused, NotFound
from sigdep.tasks.commands.labels import CreateLabel
from sigdep.tasks.commands.projects import CreateProject
from sigdep.tasks.commands.tasks import ChangeTasks, CommentOnTask, CompleteTask, CreateTask, DeleteComment, EditComment
from sigdep.tasks.domain.task_decisions import TaskExists
from sigdep.tasks.writing.comments import CommentExists
from tests.tasks.stories import ADA, BOB, HOME, MILK, NOON, NOTE, TEAM
from tests.tasks.write_side import World, answer_key


async def test_an_idempotency_key_answers_the_same_again(world: World) -> None:
    key = {"answer_key": answer_key("k1", "create")}
    first = await world.ask(CreateTask, title="Buy milk", call=key)
    await world.edit(first.value, title="Oat milk")
    before = world.size()
    again = await world.ask(CreateTask, title="Buy milk", call=key)
    assert again == first
    _, other = world.process()
    assert await world.ask(CreateTask, title="Buy milk", call=key, service=other) == first
    assert world.size() == before
    with pytest.raises(KeyReused):
        await world.ask(CreateTask, title="Bread", call={"answer_key": answer_key("k1", "other")})


async def test_an_idempotency_key_answers_again_for_comments_and_batches(world: World) -> None:
    task = await world.create()
    key = {"answer_key": answer_key("k1", "comment")}
    first = await world.ask(CommentOnTask, task_id=task.id, text="Lactose?", call=key)
    await world.ask(EditComment, task_id=task.id, comment_id=first.value.id, text="Gluten?")
    assert await world.ask(CommentOnTask, task_id=task.id, text="Lactose?", call=key) == first

    key = {"answer_key": answer_key("k2", "delete")}
    for _ in range(2):
        assert (await world.ask(DeleteComment, task_id=task.id, comment_id=first.value.id, call=key)).value is None

    key = {"answer_key": answer_key("k3", "batch")}
    commands = (CreateTask(by=ADA, at=NOON, title="Bread"), CompleteTask(by=ADA, at=NOON, task_id=task.id))
    batch = await world.ask(ChangeTasks, commands=commands, call=key)
    before = world.size()
    assert await world.ask(ChangeTasks, commands=commands, call=key) == batch
    assert world.size() == before


async def test_of_many_at_once_with_one_key_one_is_carried_out(world: World) -> None:
    key = {"answer_key": answer_key("k1", "create")}
    services = [world.process()[1] for _ in range(4)]
    answers = await asyncio.gather(
        *(world.ask(CreateTask, title="x", call=key, service=services[n % 4]) for n in range(12))
    )
    assert len({answer.value.id for answer in answers}) == 1
    assert len(await world.tasks()) == 1


async def test_a_kept_answer_is_not_for_somebody_who_was_removed(world: World) -> None:
    key = {"answer_key": answer_key("k1", "create", BOB)}
    await world.ask(CreateTask, by=BOB, title="x", workspace_id=TEAM, call=key)
    del world.roster.roles[BOB][TEAM]
    with pytest.raises(NotFound):
        await world.ask(CreateTask, by=BOB, title="x", workspace_id=TEAM, call=key)


async def test_a_create_with_an_id_of_its_own_can_be_repeated_without_a_key(world: World) -> None:
    label = await world.label()
    fields: dict[str, Any] = {
        "task_id": MILK,
        "title": " Buy milk",
        "labels": ("errand",),
        "custom": {"a": None, "b": 1},
    }
    first = await world.ask(CreateTask, **fields)
    assert first.value.labels == (label.id,)
    await world.edit(first.value, priority="high")
    before = world.size()
    again = await world.ask(CreateTask, **fields)
    assert (first.created, again.created, again.value.priority, world.size()) == (True, False, "high", before)
    for other in ({"title": "Bread"}, {"priority": "low"}, {"workspace_id": TEAM, "labels": ()}):
        with pytest.raises(TaskExists):
            await world.ask(CreateTask, **(fields | other))
    world.roster.roles[BOB][HOME] = "member"
    with pytest.raises(TaskExists):
        await world.ask(CreateTask, by=BOB, **fields, workspace_id=HOME)


async def test_the_very_same_command_is_stored_once_also_from_another_process(world: World) -> None:
    call = world.call()
    command = CreateTask(by=ADA, at=call.asked_at, title="Buy milk")
    first = await world.service.ask(command, call)
    _, other = world.process()
    assert await other.ask(command, call) == first
    assert len(await world.tasks()) == 1


async def test_a_comment_with_an_id_of_its_own_can_be_repeated(world: World) -> None:
    task = await world.create()
    fields: dict[str, Any] = {"task_id": task.id, "comment_id": NOTE}
    first = await world.ask(CommentOnTask, text="Lactose?", **fields)
    again = await world.ask(CommentOnTask, text="Lactose?", **fields)
    assert (first.created, again.created, again.value) == (True, False, first.value)
    assert (await world.task(task)).comment_count == 1
    with pytest.raises(CommentExists):
        await world.ask(CommentOnTask, text="Gluten?", **fields)
    await world.ask(DeleteComment, **fields)
    with pytest.raises(CommentExists):
        await world.ask(CommentOnTask, text="Gluten?", **fields)


async def test_projects_and_labels_with_an_id_of_their_own_can_be_repeated(world: World) -> None:
    for kind, field in ((CreateProject, "project_id"), (CreateLabel, "label_id")):
        fields: dict[str, Any] = {field: MILK, "name": "House"}
        first, again = await world.ask(kind, **fields), await world.ask(kind, **fields)
        assert (first.created, again.created, again.value) == (True, False, first.value)
        with pytest.raises(TaskExists.__mro__[1], match="something with this id"):
            await world.ask(kind, **(fields | {"name": "Garden"}))
