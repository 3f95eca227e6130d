"""Commands to projects."""

from msgspec.structs import replace

from sigdep.contracts.ids import ProjectId
from sigdep.kernel.ids import Version
from sigdep.tasks.commands.projects import CreateProject, MoveProject, ProjectCommand
from sigdep.tasks.domain.project import Project
from sigdep.tasks.domain.project_decisions import ProjectExists, ProjectNotFound, decide
from sigdep.tasks.events.projects import ProjectCreated
from sigdep.tasks.writing.attempt import Attempt
from sigdep.tasks.writing.ranks import project_rank


async def change_project(attempt: Attempt, command: ProjectCommand) -> ProjectId:
    """Decide and record one command of any kind. Returns the project that it was about."""
    if isinstance(command, CreateProject):
        return await _create(attempt, command)
    projects = attempt.around.projects
    project = await attempt.unit.load(projects, command.project_id)
    if project.version == 0 or project.workspace_id != attempt.workspace:
        raise ProjectNotFound
    attempt.match(projects, project.id, project.version)
    if isinstance(command, MoveProject):
        command = replace(command, rank=await project_rank(attempt, command))
    attempt.record(projects, project.id, decide(command, project))
    return project.id


async def _create(attempt: Attempt, command: CreateProject) -> ProjectId:
    """
    Raises:
        ProjectExists: another request has used the id. The same request may come again, and changes nothing.
    """
    projects = attempt.around.projects
    project_id = ProjectId(attempt.make_id()) if command.project_id is None else command.project_id
    project = await attempt.unit.load(projects, project_id)
    attempt.match(projects, project_id, project.version)
    command = replace(command, project_id=project_id, workspace_id=attempt.workspace)
    if project.version > 0:
        await _expect_same(attempt, command, project)
        attempt.repeated = True
        return project_id
    command = replace(command, rank=await project_rank(attempt, command))
    attempt.record(projects, project_id, decide(command, project))
    return project_id


async def _expect_same(attempt: Attempt, command: CreateProject, project: Project) -> None:
    projects = attempt.around.projects
    history = await attempt.around.store.read(projects.decider.stream(project.id), until=Version(1))
    first = history.events[0].event if history.events else None
    if not isinstance(first, ProjectCreated):
        raise ProjectExists
    asked = decide(replace(command, rank=first.rank, at=first.at), projects.decider.initial)
    if asked != [first]:
        raise ProjectExists
