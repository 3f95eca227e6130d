"""POST, PATCH and DELETE below `/api/projects`."""

from collections.abc import Sequence
from typing import Any

from sigdep.contracts.ids import ProjectId
from sigdep.http.routes import Route
from sigdep.kernel.errors import Refused
from sigdep.rpc.call import Answer, Call, Service
from sigdep.tasks.commands.projects import (
    ArchiveProject,
    CreateProject,
    EditProject,
    MoveProject,
    RestoreProject,
    TrashProject,
    UnarchiveProject,
)
from sigdep.tasks.domain.project import Project
from sigdep.tasks.write_api import bodies
from sigdep.tasks.write_api.bodies import given, given_for_new
from sigdep.tasks.write_api.tasks import chosen_workspace


class ProjectWrites:
    """Handlers: from bodies to commands."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def create(self, call: Call, body: bodies.NewProject, query: bodies.Where) -> Answer[Project]:
        """A request with an `id` of your own may be repeated: the second answers 200 and changes nothing."""
        fields = given_for_new(body) | {"workspace_id": chosen_workspace(body.workspace_id, query)}
        command = CreateProject(project_id=body.id, by=call.caller.user_id, at=call.asked_at, **fields)
        return await self.service.ask(command, call)

    async def edit(self, call: Call, project_id: ProjectId, body: bodies.ProjectEdits) -> Answer[Project]:
        """Fields that are not named stay as they are. null clears."""
        command = EditProject(project_id=project_id, by=call.caller.user_id, at=call.asked_at, **given(body))
        return await self.service.ask(command, call)

    async def move(self, call: Call, project_id: ProjectId, body: bodies.ProjectMove) -> Answer[Project]:
        """Among the projects of its workspace."""
        command = MoveProject(project_id=project_id, by=call.caller.user_id, at=call.asked_at, **given(body))
        return await self.service.ask(command, call)

    async def archive(self, call: Call, project_id: ProjectId) -> Answer[Project]:
        """Its tasks can be read and no longer changed (409), and leave the lists that do not ask for them."""
        return await self.service.ask(
            ArchiveProject(project_id=project_id, by=call.caller.user_id, at=call.asked_at), call
        )

    async def unarchive(self, call: Call, project_id: ProjectId) -> Answer[Project]:
        return await self.service.ask(
            UnarchiveProject(project_id=project_id, by=call.caller.user_id, at=call.asked_at), call
        )

    async def trash(self, call: Call, project_id: ProjectId) -> Answer[Project]:
        """Its tasks are out of sight with it. Takes an admin of the workspace."""
        return await self.service.ask(
            TrashProject(project_id=project_id, by=call.caller.user_id, at=call.asked_at), call
        )

    async def restore(self, call: Call, project_id: ProjectId) -> Answer[Project]:
        """Its tasks are back with it. Takes an admin of the workspace."""
        return await self.service.ask(
            RestoreProject(project_id=project_id, by=call.caller.user_id, at=call.asked_at), call
        )


def project_write_routes(service: Service) -> Sequence[Route]:
    handlers = ProjectWrites(service)
    one = "/api/projects/{project_id}"
    return (
        _route("POST", "/api/projects", handlers.create, "Create a project."),
        _route("PATCH", one, handlers.edit, "Change the fields that are named."),
        _route("DELETE", one, handlers.trash, "Put a project into the trash, and its tasks with it."),
        _route("POST", f"{one}/restore", handlers.restore, "Bring a project back from the trash."),
        _route("POST", f"{one}/archive", handlers.archive, "Archive a project."),
        _route("POST", f"{one}/unarchive", handlers.unarchive, "Take a project out of the archive."),
        _route("POST", f"{one}/move", handlers.move, "Move a project among the others."),
    )


def _route(method: Any, path: str, handle: Any, summary: str) -> Route:
    return Route(
        method=method, path=path, handle=handle, summary=summary, tag="projects", scope="tasks:write", errors=(Refused,)
    )
