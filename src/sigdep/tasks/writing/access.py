"""In which workspace a command is carried out, and whether its caller may ask for it there."""

from collections.abc import Awaitable
from typing import TypeAlias
from uuid import UUID

from sigdep.contracts.ids import LabelId, ProjectId, TaskId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.errors import Forbidden, Invalid, NotFound
from sigdep.rpc.call import Call
from sigdep.tasks.commands.labels import CreateLabel, LabelCommand
from sigdep.tasks.commands.oblivion import ForgetWorkspace
from sigdep.tasks.commands.projects import CreateProject, ProjectCommand, RestoreProject, TrashProject
from sigdep.tasks.commands.tasks import (
    ChangeTasks,
    CreateTask,
    DeleteComment,
    EditComment,
    EditTask,
    MoveTask,
    TaskCommand,
)
from sigdep.tasks.domain.label_decisions import LabelNotFound
from sigdep.tasks.domain.project_decisions import ProjectNotFound
from sigdep.tasks.domain.task_decisions import TaskNotFound
from sigdep.tasks.writing.attempt import Surroundings
from sigdep.tasks.writing.batches import pointing_at

WriteCommand: TypeAlias = (
    TaskCommand | EditComment | DeleteComment | ChangeTasks | ProjectCommand | LabelCommand | ForgetWorkspace
)


async def workspace_of(around: Surroundings, command: WriteCommand, call: Call) -> WorkspaceId:
    """
    Members change what they work with. To put a whole project out of everybody's sight, and back, takes an admin.

    Raises:
        NotFound: the thing does not exist, or is in a workspace that the caller is no member of: all the same.
        Forbidden: the caller's role in the workspace is too low.
    """
    if isinstance(command, ForgetWorkspace):
        if call.principal is not None:
            raise Forbidden("Nobody may ask for this: a workspace is forgotten when it is erased.")
        return command.workspace_id
    if isinstance(command, ChangeTasks):
        return await _of_batch(around, command, call)
    if isinstance(command, CreateTask):
        return await _of_new_task(around, command, call)
    if isinstance(command, CreateProject | CreateLabel):
        return _chosen(command.workspace_id, call)
    if isinstance(command, ProjectCommand):
        needed: Role = "admin" if isinstance(command, TrashProject | RestoreProject) else "member"
        return await _of_project(around, command.project_id, call, needed)
    if isinstance(command, LabelCommand):
        return await _of_label(around, command.label_id, call)
    return await _of_task(around, command.task_id, call)


def things_of(command: WriteCommand) -> set[UUID]:
    """What other commands may be busy with at the same time. A project is only looked at by what changes tasks."""
    match command:
        case ChangeTasks():
            return set().union(*map(things_of, command.commands))
        case CreateTask() | EditTask() | MoveTask():
            things: tuple[object, ...] = (command.task_id, command.parent_id)
        case ForgetWorkspace():
            things = (command.workspace_id,)
        case _ if isinstance(command, ProjectCommand):
            things = (command.project_id,)
        case _ if isinstance(command, LabelCommand):
            things = (command.label_id,)
        case _:
            things = (command.task_id,)
    return {thing for thing in things if isinstance(thing, UUID)}


def _chosen(workspace_id: WorkspaceId | None, call: Call) -> WorkspaceId:
    workspace = call.caller.personal_workspace_id if workspace_id is None else workspace_id
    call.caller.require(workspace, "member", "This workspace")
    return workspace


async def _of_task(around: Surroundings, task_id: TaskId, call: Call) -> WorkspaceId:
    found = await around.tasks.load(around.tasks.decider.stream(task_id))
    if found.version == 0:
        raise TaskNotFound
    call.caller.require(found.state.workspace_id, "member", "This task")
    return found.state.workspace_id


async def _of_project(
    around: Surroundings, project_id: ProjectId | None, call: Call, needed: Role = "member"
) -> WorkspaceId:
    assert project_id is not None
    found = await around.projects.load(around.projects.decider.stream(project_id))
    if found.version == 0:
        raise ProjectNotFound
    call.caller.require(found.state.workspace_id, needed, "This project")
    return found.state.workspace_id


async def _of_label(around: Surroundings, label_id: LabelId | None, call: Call) -> WorkspaceId:
    assert label_id is not None
    found = await around.labels.load(around.labels.decider.stream(label_id))
    if found.version == 0:
        raise LabelNotFound
    call.caller.require(found.state.workspace_id, "member", "This label")
    return found.state.workspace_id


async def _of_new_task(around: Surroundings, command: CreateTask, call: Call) -> WorkspaceId:
    if command.workspace_id is not None:
        return _chosen(command.workspace_id, call)
    if command.parent_id is not None:
        return await _of_referred(_of_task(around, command.parent_id, call), "/parent_id", "task")
    if command.project_id is not None:
        return await _of_referred(_of_project(around, command.project_id, call), "/project_id", "project")
    return _chosen(None, call)


async def _of_referred(workspace: Awaitable[WorkspaceId], pointer: str, what: str) -> WorkspaceId:
    """That of something that is only referred to: where it does not exist, the reference is wrong, not the address."""
    try:
        return await workspace
    except NotFound:
        raise Invalid.at(pointer, f"This {what} does not exist, or you are no member of its workspace.") from None


async def _of_batch(around: Surroundings, batch: ChangeTasks, call: Call) -> WorkspaceId:
    """All of a batch concerns one workspace: the one that is named, or else that of the first thing that exists."""
    if batch.workspace_id is not None:
        return _chosen(batch.workspace_id, call)
    made: set[UUID] = set()
    for index, command in enumerate(batch.commands):
        if isinstance(command, CreateTask):
            if command.task_id is not None:
                made.add(command.task_id)
            known = command.workspace_id is None and command.parent_id in made
        else:
            known = command.task_id in made
        if not known:
            with pointing_at(index):
                return await workspace_of(around, command, call)
    return _chosen(None, call)
