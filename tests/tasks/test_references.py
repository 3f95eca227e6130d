"""What a task refers to is there, in its workspace, and lets it."""

import asyncio

import pytest

from sigdep.contracts.ids import UserId
from sigdep.kernel.errors import Invalid
from sigdep.tasks.commands.labels import CreateLabel, EditLabel, RestoreLabel, TrashLabel
from sigdep.tasks.commands.projects import ArchiveProject, RestoreProject, TrashProject, UnarchiveProject
from sigdep.tasks.commands.tasks import (
    CommentOnTask,
    CompleteTask,
    CreateTask,
    EditTask,
    MoveTask,
    RestoreTask,
    SnoozeTask,
    TrashTask,
)
from sigdep.tasks.domain.label_name import NameTaken
from sigdep.tasks.domain.project_decisions import ProjectReadOnly
from tests.tasks.stories import ADA, BOB, EVE, HOME, LATER, MILK, TEAM
from tests.tasks.write_side import World


async def test_nothing_of_another_workspace_can_be_referred_to(world: World) -> None:
    mine = await world.create()
    theirs, project = await world.create(workspace_id=TEAM), await world.project(workspace_id=TEAM)
    label = await world.label(workspace_id=TEAM)
    before = world.size()
    for pointer, fields in (
        ("/parent_id", {"parent_id": theirs.id}),
        ("/project_id", {"project_id": project.id}),
        ("/blocked_by/0", {"blocked_by": (theirs.id,)}),
        ("/labels/0", {"labels": (str(label.id),)}),
        ("/labels/0", {"labels": ("errand",)}),
        ("/assignee_ids/0", {"assignee_ids": (BOB,)}),
    ):
        for kind, rest in ((CreateTask, {"title": "x", "workspace_id": HOME}), (EditTask, {"task_id": mine.id})):
            with pytest.raises(Invalid) as refusal:
                await world.ask(kind, **fields, **rest)
            assert refusal.value.faults[0].pointer == pointer
    for field in ("before_id", "after_id"):
        with pytest.raises(Invalid):
            await world.move(mine, **{field: theirs.id})
    assert world.size() == before


async def test_whether_a_thing_is_elsewhere_or_nowhere_is_told_only_to_members_there(world: World) -> None:
    theirs = await world.create(workspace_id=TEAM)
    with pytest.raises(Invalid, match="another workspace"):
        await world.create(workspace_id=HOME, blocked_by=(theirs.id,))
    with pytest.raises(Invalid, match="no such task"):
        await world.ask(CreateTask, by=EVE, title="x", blocked_by=(theirs.id,))


async def test_labels_are_given_by_name_or_id_and_shown_by_id(world: World) -> None:
    errand, urgent = await world.label("errand"), await world.label("Sehr dringend")
    task = await world.create(labels=("Errand", str(urgent.id), str(errand.id)))
    assert task.labels == (errand.id, urgent.id)
    with pytest.raises(Invalid) as refusal:
        await world.edit(task, labels=("errand", "unknown"))
    assert refusal.value.faults[0].pointer == "/labels/1"


async def test_a_label_in_the_trash_stays_where_it_is_and_goes_nowhere_else(world: World) -> None:
    errand = await world.label()
    task = await world.create(labels=("errand",))
    await world.ask(TrashLabel, label_id=errand.id)
    assert (await world.edit(task, labels=(str(errand.id),), title="Oat")).labels == (errand.id,)
    for label in ("errand", str(errand.id)):
        with pytest.raises(Invalid):
            await world.create(labels=(label,))


async def test_a_label_name_is_unique_until_it_is_freed(world: World) -> None:
    errand, urgent = await world.label("errand"), await world.label("urgent")
    with pytest.raises(NameTaken):
        await world.label("ERRAND")
    with pytest.raises(NameTaken):
        await world.ask(EditLabel, label_id=urgent.id, name="Errand")
    assert (await world.ask(EditLabel, label_id=errand.id, name="ERRAND")).value.name == "ERRAND"
    await world.ask(EditLabel, label_id=errand.id, name="shop")
    await world.ask(EditLabel, label_id=urgent.id, name="errand")
    await world.ask(TrashLabel, label_id=errand.id)
    shop = await world.label("shop")
    with pytest.raises(NameTaken):
        await world.ask(RestoreLabel, label_id=errand.id)
    await world.ask(TrashLabel, label_id=shop.id)
    assert (await world.ask(RestoreLabel, label_id=errand.id)).value.trashed_at is None
    assert (await world.label("shop", workspace_id=TEAM)).name == "shop"


async def test_of_two_labels_made_at_once_with_one_name_one_is_refused(world: World) -> None:
    services = [world.process()[1] for _ in range(2)]
    results = await asyncio.gather(
        *(world.ask(CreateLabel, name="errand", service=service) for service in services), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Answer", "NameTaken"]


async def test_only_members_are_assigned_and_those_who_left_may_stay(world: World) -> None:
    task = await world.create(workspace_id=TEAM, assignee_ids=(BOB,))
    del world.roster.roles[BOB][TEAM]
    assert (await world.edit(task, assignee_ids=(ADA, BOB))).assignee_ids == (ADA, BOB)
    with pytest.raises(Invalid) as refusal:
        await world.edit(task, assignee_ids=(ADA, BOB, EVE, UserId(MILK)))
    assert [fault.pointer for fault in refusal.value.faults] == ["/assignee_ids/2", "/assignee_ids/3"]


async def test_the_tasks_of_an_archived_project_can_only_be_read(world: World) -> None:
    project = await world.project()
    task = await world.create(project_id=project.id)
    free = await world.create()
    await world.ask(ArchiveProject, project_id=project.id)
    before = world.size()
    for kind, fields in (
        (EditTask, {"title": "x"}),
        (EditTask, {"project_id": None}),
        (MoveTask, {}),
        (CompleteTask, {}),
        (SnoozeTask, {"until": LATER}),
        (TrashTask, {}),
        (RestoreTask, {}),
        (CommentOnTask, {"text": "x"}),
    ):
        with pytest.raises(ProjectReadOnly, match="Unarchive it first"):
            await world.ask(kind, task_id=task.id, **fields)
    with pytest.raises(ProjectReadOnly):
        await world.create(project_id=project.id)
    with pytest.raises(ProjectReadOnly):
        await world.move(free, project_id=project.id)
    with pytest.raises(ProjectReadOnly):
        await world.create(parent_id=task.id)
    assert world.size() == before
    await world.ask(UnarchiveProject, project_id=project.id)
    assert (await world.edit(task, title="Oat milk")).title == "Oat milk"


async def test_the_tasks_of_a_project_in_the_trash_wait_for_it(world: World) -> None:
    project = await world.project()
    task = await world.create(project_id=project.id)
    await world.ask(TrashProject, project_id=project.id)
    with pytest.raises(ProjectReadOnly, match="Restore it first"):
        await world.edit(task, title="x")
    await world.ask(RestoreProject, project_id=project.id)
    assert (await world.edit(task, title="Oat milk")).title == "Oat milk"


async def test_no_task_slips_into_a_project_that_is_being_archived(world: World) -> None:
    """Whatever comes first in the log: behind the archiving there is no new task."""
    for _ in range(20):
        project = await world.project()
        services = [world.process()[1] for _ in range(2)]
        await asyncio.gather(
            world.ask(CreateTask, title="x", project_id=project.id, service=services[0]),
            world.ask(ArchiveProject, project_id=project.id, service=services[1]),
            return_exceptions=True,
        )
        kinds = [type(recorded.event).__name__ for recorded in await world.events()]
        assert kinds[-2:] != ["ProjectArchived", "TaskCreated"]
