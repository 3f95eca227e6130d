"""What a command answers, and what it stores."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.errors import Forbidden, Invalid, NotFound, Stale
from sigdep.kernel.ids import PARTITIONS, CommandId, SubjectId, partition_of
from sigdep.rpc.call import Call, WorkspacePosition
from sigdep.tasks.commands.oblivion import ForgetWorkspace
from sigdep.tasks.commands.tasks import ChangeTasks, CommentOnTask, CreateTask, DeleteComment, EditComment, EditTask
from sigdep.tasks.events.oblivion import WorkspaceForgotten
from sigdep.tasks.events.tasks import TaskCreated
from sigdep.writing.erased import KEPT
from tests.tasks.stories import ADA, HOME, MILK, NOON, TEAM
from tests.tasks.write_side import World, if_match


async def test_a_create_answers_the_whole_task_its_version_and_its_position(world: World) -> None:
    answer = await world.ask(CreateTask, title="Buy milk", priority="high")
    task = answer.value
    assert (answer.created, answer.version, task.version, task.number) == (True, 1, 1, 1)
    assert answer.position == WorkspacePosition(
        "tasks", partition_of(HOME), world.log.partitions[partition_of(HOME)].head
    )
    assert (task.workspace_id, task.created_by, task.title, task.priority) == (HOME, ADA, "Buy milk", "high")
    assert task == await world.task(task)


async def test_an_edit_answers_the_new_state(world: World) -> None:
    task = await world.create()
    answer = await world.ask(EditTask, task_id=task.id, title="Oat milk", status="in_progress")
    assert (answer.created, answer.version, answer.value.title, answer.value.status) == (
        False,
        3,
        "Oat milk",
        "in_progress",
    )
    assert answer.value == await world.task(task)


async def test_an_edit_that_changes_nothing_stores_nothing_and_answers_the_present_state(world: World) -> None:
    task = await world.create()
    before = world.size()
    answer = await world.ask(EditTask, task_id=task.id, title=task.title)
    assert (answer.value, answer.version, world.size()) == (task, 1, before)


async def test_a_dry_run_answers_what_would_be_and_stores_nothing(world: World) -> None:
    task = await world.create()
    before = world.size()
    planned = await world.ask(CreateTask, title="Bread", parent_id=task.id, call={"dry_run": True})
    edited = await world.ask(EditTask, task_id=task.id, title="Oat milk", call={"dry_run": True})
    commented = await world.ask(CommentOnTask, task_id=task.id, text="Lactose?", call={"dry_run": True})
    assert (planned.value.title, planned.value.number, planned.created) == ("Bread", 0, False)
    assert (edited.value.title, edited.version, commented.value.text) == ("Oat milk", 2, "Lactose?")
    assert world.size() == before
    with pytest.raises(Invalid):
        await world.ask(EditTask, task_id=task.id, title="", call={"dry_run": True})
    assert (await world.edit(task, priority="low")).title == "Buy milk"


async def test_ids_are_made_from_the_command_and_look_like_uuid7(world: World) -> None:
    call = world.call()
    commands = tuple(CreateTask(by=ADA, at=NOON, title=f"Task {n}") for n in range(500))
    results = (await world.service.ask(ChangeTasks(commands=commands, by=ADA, at=NOON), call)).value.results
    ids = [task.id for task in results]
    assert ids[0] == call.command_id
    assert len(set(ids)) == 500
    assert {(one.version, one.variant, one.int >> 80) for one in ids} == {
        (7, "specified in RFC 4122", call.command_id.int >> 80)
    }


async def test_a_comment_is_changed_guarded_by_its_own_version(world: World) -> None:
    task = await world.create()
    comment = (await world.ask(CommentOnTask, task_id=task.id, text="Lactose?")).value
    await world.edit(task, title="Oat milk")
    fields: dict[str, Any] = {"task_id": task.id, "comment_id": comment.id}
    answer = await world.ask(EditComment, text="Gluten?", call=if_match(1), **fields)
    assert (answer.version, answer.value.text, answer.value.created_by) == (2, "Gluten?", ADA)
    with pytest.raises(Stale):
        await world.ask(EditComment, text="Nuts?", call=if_match(1), **fields)
    await world.ask(DeleteComment, **fields)
    with pytest.raises(NotFound):
        await world.ask(EditComment, text="Nuts?", **fields)


async def test_an_erased_workspace_is_forgotten_and_takes_nothing_any_more(world: World) -> None:
    task, quiet = [await world.create(workspace_id=TEAM) for _ in range(2)]
    await world.keys.destroy(SubjectId(TEAM))
    asked: list[tuple[type[Any], dict[str, Any]]] = [
        (CreateTask, {"title": "x", "workspace_id": TEAM}),
        (EditTask, {"task_id": task.id, "title": "x"}),
    ]
    for kind, fields in asked:
        with pytest.raises(NotFound):
            await world.ask(kind, **fields)
    call = Call(asked_at=NOON + timedelta(days=1), command_id=CommandId(MILK))
    for _ in range(2):  # An event may be heard twice.
        await world.service.ask(ForgetWorkspace(workspace_id=TEAM, at=call.asked_at), call)
    tasks = world.service._around.tasks
    assert (await tasks.load(tasks.decider.stream(quiet.id))).state.title == "", "It is still remembered."
    last = (await world.events())[-1]
    assert last.event == WorkspaceForgotten(workspace_id=TEAM, at=call.asked_at)
    assert (last.subject, last.workspace, last.metadata.actor) == (KEPT, TEAM, None)
    assert not any(isinstance(recorded.event, TaskCreated) for recorded in await world.events())
    with pytest.raises(NotFound):
        await world.ask(EditTask, task_id=task.id, title="x")


async def test_nobody_can_have_a_workspace_forgotten(world: World) -> None:
    with pytest.raises(Forbidden):
        await world.service.ask(ForgetWorkspace(workspace_id=HOME, at=NOON), world.call())


async def test_who_has_two_workspaces_with_one_partition_sees_each_alone(world: World) -> None:
    """A partition holds many workspaces: numbers and names are each workspace's own."""
    other = WorkspaceId(UUID(int=HOME.int + PARTITIONS))
    world.roster.roles[ADA][other] = "owner"
    assert partition_of(other) == partition_of(HOME)
    await world.label("errand")
    await world.label("errand", workspace_id=other)
    assert [(await world.create(workspace_id=w)).number for w in (HOME, other, HOME)] == [1, 1, 2]
