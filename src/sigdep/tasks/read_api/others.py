"""GET below `/api/projects` and `/api/labels`."""

from collections.abc import Sequence
from typing import Any

from sigdep.contracts.ids import LabelId, ProjectId
from sigdep.http.read_parameters import HistoryParameters, OneParameters, moment_of
from sigdep.http.routes import Listing, Route
from sigdep.rpc.call import Answer, Call, Encoded, Service
from sigdep.tasks.domain.label import Label
from sigdep.tasks.domain.project import Project
from sigdep.tasks.queries import GetLabel, GetProject, ListLabels, ListProjects
from sigdep.tasks.read_api import parameters
from sigdep.tasks.read_api.histories import HistoryItem, show_history


class ProjectReads:
    """Handlers: from parameters to queries."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def get(self, call: Call, project_id: ProjectId, query: OneParameters) -> Answer[Project | Encoded]:
        """A project in the trash is shown, with `trashed_at`."""
        return await self.service.ask(GetProject(project_id=project_id, at=moment_of(query.at)), call)

    async def find(self, call: Call, query: parameters.ProjectListParameters) -> Answer[Listing[Project] | Encoded]:
        """The projects of one workspace, as their people have arranged them."""
        question = ListProjects(
            workspace_id=query.workspace_id,
            status=query.status,
            trashed=query.trashed,
            sort=query.sort,
            cursor=query.cursor,
            limit=query.limit,
            at=moment_of(query.at),
        )
        return await self.service.ask(question, call)

    async def history(
        self, call: Call, project_id: ProjectId, query: HistoryParameters
    ) -> Answer[Listing[HistoryItem]]:
        """Each event with who, when, through what, and the fields that it changed, before and after."""
        return await show_history(self.service, "project", project_id, query, call)


class LabelReads:
    """Handlers: from parameters to queries."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def get(self, call: Call, label_id: LabelId, query: OneParameters) -> Answer[Label | Encoded]:
        """A label in the trash is shown, with `trashed_at`."""
        return await self.service.ask(GetLabel(label_id=label_id, at=moment_of(query.at)), call)

    async def find(self, call: Call, query: parameters.LabelListParameters) -> Answer[Listing[Label] | Encoded]:
        """The labels of one workspace, by name."""
        question = ListLabels(
            workspace_id=query.workspace_id,
            trashed=query.trashed,
            cursor=query.cursor,
            limit=query.limit,
            at=moment_of(query.at),
        )
        return await self.service.ask(question, call)

    async def history(self, call: Call, label_id: LabelId, query: HistoryParameters) -> Answer[Listing[HistoryItem]]:
        """Each event with who, when, through what, and the fields that it changed, before and after."""
        return await show_history(self.service, "label", label_id, query, call)


def project_read_routes(service: Service) -> Sequence[Route]:
    handlers = ProjectReads(service)
    one = "/api/projects/{project_id}"
    return (
        _route("/api/projects", handlers.find, "List projects.", "projects"),
        _route(one, handlers.get, "Get a project.", "projects"),
        _route(f"{one}/history", handlers.history, "Show what has happened to a project.", "projects"),
    )


def label_read_routes(service: Service) -> Sequence[Route]:
    handlers = LabelReads(service)
    one = "/api/labels/{label_id}"
    return (
        _route("/api/labels", handlers.find, "List labels.", "labels"),
        _route(one, handlers.get, "Get a label.", "labels"),
        _route(f"{one}/history", handlers.history, "Show what has happened to a label.", "labels"),
    )


def _route(path: str, handle: Any, summary: str, tag: str) -> Route:
    return Route(method="GET", path=path, handle=handle, summary=summary, tag=tag, scope="tasks:read")
