"""What a project decides. Who may ask for it is made sure of before."""

from typing import Any, Final

from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import NotFound, Refused
from sigdep.kernel.messages import UNSET
from sigdep.kernel.texts import line
from sigdep.tasks.commands.projects import (
    ArchiveProject,
    CreateProject,
    EditProject,
    MoveProject,
    ProjectCommand,
    RestoreProject,
    TrashProject,
    UnarchiveProject,
)
from sigdep.tasks.domain import fields
from sigdep.tasks.domain.project import ABSENT, CATEGORY, SCHEMA, Project, evolve
from sigdep.tasks.domain.task_content import valid_rank
from sigdep.tasks.events.projects import (
    ProjectArchived,
    ProjectCreated,
    ProjectEdited,
    ProjectEvent,
    ProjectRestored,
    ProjectTrashed,
    ProjectUnarchived,
)


class ProjectNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("This project does not exist, or you are no member of its workspace.")


class ProjectExists(Refused):
    """The id that a client chose is taken."""

    def __init__(self) -> None:
        super().__init__("There is something with this id already. Choose a new id for a new project.")


class ProjectReadOnly(Refused):
    """It is archived or in the trash: it and its tasks can be read and not changed."""


def decide(command: ProjectCommand, project: Project) -> list[ProjectEvent]:
    """
    Raises:
        ProjectNotFound, ProjectExists, ProjectReadOnly, Invalid.
    """
    if isinstance(command, CreateProject):
        return _decide_create(command, project)
    if project.version == 0:
        raise ProjectNotFound
    match command:
        case EditProject():
            changeable(project)
            return _decide_edit(command, project)
        case MoveProject():
            changeable(project)
            return _decide_move(command, project)
        case ArchiveProject():
            _out_of_trash(project)
            if project.status == "archived":
                return []
            return [ProjectArchived(project_id=project.id, by=command.by, at=command.at)]
        case UnarchiveProject():
            _out_of_trash(project)
            if project.status == "active":
                return []
            return [ProjectUnarchived(project_id=project.id, by=command.by, at=command.at)]
        case TrashProject():
            if project.trashed_at is not None:
                return []
            return [ProjectTrashed(project_id=project.id, by=command.by, at=command.at)]
        case RestoreProject():
            if project.trashed_at is None:
                return []
            return [ProjectRestored(project_id=project.id, by=command.by, at=command.at)]


def changeable(project: Project) -> None:
    """
    Raises:
        ProjectReadOnly: the project is archived or in the trash, and its tasks with it.
    """
    _out_of_trash(project)
    if project.status == "archived":
        raise ProjectReadOnly("The project is archived: it and its tasks can be read, not changed. Unarchive it first.")


def _out_of_trash(project: Project) -> None:
    if project.trashed_at is not None:
        raise ProjectReadOnly("The project is in the trash, and its tasks with it. Restore it first.")


def _decide_create(command: CreateProject, project: Project) -> list[ProjectEvent]:
    if project.version > 0:
        raise ProjectExists
    assert command.project_id is not None
    assert command.workspace_id is not None
    assert command.rank is not None
    return [
        ProjectCreated(
            project_id=command.project_id,
            workspace_id=command.workspace_id,
            name=_name(command.name),
            rank=valid_rank(command.rank),
            by=command.by,
            at=command.at,
            description=fields.description(command.description),
            color=fields.color(command.color),
            icon=fields.icon(command.icon),
        )
    ]


def _decide_edit(command: EditProject, project: Project) -> list[ProjectEvent]:
    edited: dict[str, Any] = {}
    for name, cleaned in _CLEANED.items():
        asked = getattr(command, name)
        if asked is not UNSET and (value := cleaned(asked)) != getattr(project, name):
            edited[name] = value
    return [ProjectEdited(project_id=project.id, by=command.by, at=command.at, **edited)] if edited else []


def _decide_move(command: MoveProject, project: Project) -> list[ProjectEvent]:
    assert command.rank is not None
    rank = valid_rank(command.rank)
    if rank == project.rank:
        return []
    return [ProjectEdited(project_id=project.id, by=command.by, at=command.at, rank=rank)]


def _name(name: str) -> str:
    return line(name, fields.NAME_LENGTH_MAX, "/name", "A name")


_CLEANED: Final[dict[str, Any]] = {
    "name": _name,
    "description": fields.description,
    "color": fields.color,
    "icon": fields.icon,
    "rank": valid_rank,
}

PROJECT: Final = Decider[Any, Project](category=CATEGORY, initial=ABSENT, decide=decide, evolve=evolve, schema=SCHEMA)
