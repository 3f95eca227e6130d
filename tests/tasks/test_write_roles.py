"""Strangers learn nothing, viewers change nothing."""

from datetime import date
from typing import Any

import pytest

from sigdep.contracts.ids import LabelId, ProjectId, TaskId
from sigdep.kernel.errors import Forbidden, Invalid, NotFound, Unauthenticated
from sigdep.kernel.ids import CommandId
from sigdep.rpc.call import Call
from sigdep.tasks.commands.labels import CreateLabel, EditLabel, RestoreLabel, TrashLabel
from sigdep.tasks.commands.projects import (
    ArchiveProject,
    CreateProject,
    EditProject,
    MoveProject,
    RestoreProject,
    TrashProject,
    UnarchiveProject,
)
from sigdep.tasks.commands.tasks import (
    ChangeTasks,
    CommentOnTask,
    CompleteTask,
    CreateTask,
    DeleteComment,
    EditComment,
    EditTask,
    MoveTask,
    ReopenTask,
    RestoreTask,
    SkipTask,
    SnoozeTask,
    TrashTask,
)
from sigdep.tasks.events.tasks import TaskRecurrence
from tests.tasks.stories import ADA, BOB, EVE, HOME, LATER, MILK, NOON, TEAM
from tests.tasks.write_side import World


async def everything_about(world: World) -> list[tuple[type[Any], dict[str, Any]]]:
    """Every command that names a thing of the team's."""
    task = await world.create(
        workspace_id=TEAM, due_on=date(2026, 11, 27), recurrence=TaskRecurrence(rule="FREQ=DAILY")
    )
    project, label = await world.project(workspace_id=TEAM), await world.label(workspace_id=TEAM)
    comment = (await world.ask(CommentOnTask, task_id=task.id, text="Lactose?")).value
    of_task, of_project, of_label = {"task_id": task.id}, {"project_id": project.id}, {"label_id": label.id}
    of_comment = of_task | {"comment_id": comment.id}
    return [
        (CreateTask, {"title": "x", "workspace_id": TEAM}),
        *((kind, of_task) for kind in (EditTask, MoveTask, SkipTask, CompleteTask, ReopenTask)),
        *((kind, of_task) for kind in (TrashTask, RestoreTask)),
        (SnoozeTask, of_task | {"until": LATER}),
        (CommentOnTask, of_task | {"text": "x"}),
        (EditComment, of_comment | {"text": "x"}),
        (DeleteComment, of_comment),
        (ChangeTasks, {"workspace_id": TEAM, "commands": (CreateTask(by=EVE, at=NOON, title="x"),)}),
        (ChangeTasks, {"commands": (CompleteTask(by=EVE, at=NOON, **of_task),)}),
        (CreateProject, {"name": "x", "workspace_id": TEAM}),
        *((kind, of_project) for kind in (EditProject, MoveProject, ArchiveProject, UnarchiveProject)),
        *((kind, of_project) for kind in (TrashProject, RestoreProject)),
        (CreateLabel, {"name": "x", "workspace_id": TEAM}),
        *((kind, of_label) for kind in (EditLabel, TrashLabel, RestoreLabel)),
    ]


async def test_a_stranger_cannot_tell_what_is_not_theirs_from_what_does_not_exist(world: World) -> None:
    asked = await everything_about(world)
    before = world.size()
    nowhere = {"task_id": TaskId(MILK), "project_id": ProjectId(MILK), "label_id": LabelId(MILK)}
    for kind, fields in asked:
        with pytest.raises(NotFound) as refusal:
            await world.ask(kind, by=EVE, **fields)
        missing = {name: nowhere.get(name, value) for name, value in fields.items()}
        if missing != fields:
            with pytest.raises(NotFound) as other:
                await world.ask(kind, by=EVE, **missing)
            assert refusal.value.detail == other.value.detail
    assert world.size() == before


async def test_a_viewer_changes_nothing(world: World) -> None:
    asked = await everything_about(world)
    world.roster.roles[BOB][TEAM] = "viewer"
    before = world.size()
    for kind, fields in asked:
        with pytest.raises(Forbidden, match="role"):
            await world.ask(kind, by=BOB, **fields)
    assert world.size() == before


async def test_a_member_does_all_but_hiding_projects_and_touching_what_others_said(world: World) -> None:
    refused = []
    for kind, fields in await everything_about(world):
        try:
            await world.ask(kind, by=BOB, **fields)
        except Forbidden:
            refused.append(kind)
    assert refused == [EditComment, DeleteComment, TrashProject, RestoreProject]


async def test_an_admin_deletes_what_others_said_and_does_not_change_it(world: World) -> None:
    task = await world.create(workspace_id=TEAM)
    comment = (await world.ask(CommentOnTask, by=BOB, task_id=task.id, text="Lactose?")).value
    with pytest.raises(Forbidden):
        await world.ask(EditComment, task_id=task.id, comment_id=comment.id, text="Yes")
    answer = await world.ask(DeleteComment, task_id=task.id, comment_id=comment.id)
    assert (answer.value, (await world.task(task)).comment_count) == (None, 0)


async def test_nobody_asks_without_signing_in(world: World) -> None:
    call = Call(asked_at=NOON, command_id=CommandId(MILK))
    with pytest.raises(Unauthenticated):
        await world.service.ask(CreateTask(by=ADA, at=NOON, title="x"), call)


async def test_a_new_task_is_where_its_parent_or_project_is(world: World) -> None:
    project = await world.project(workspace_id=TEAM)
    task = await world.create(project_id=project.id)
    below = await world.create(parent_id=task.id)
    assert (task.workspace_id, below.workspace_id, below.project_id) == (TEAM, TEAM, project.id)
    assert (await world.create()).workspace_id == HOME
    for field, thing in (("project_id", project.id), ("parent_id", task.id)):
        foreign: dict[str, Any] = {field: thing}
        with pytest.raises(Invalid) as refusal:
            await world.ask(CreateTask, by=EVE, title="x", **foreign)
        assert refusal.value.faults[0].pointer == f"/{field}"
