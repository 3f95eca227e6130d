"""What a project is, and how each event changes it."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from msgspec.structs import replace

from sigdep.contracts.ids import ProjectId, UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, State
from sigdep.tasks.events.projects import (
    ProjectArchived,
    ProjectCreated,
    ProjectEdited,
    ProjectEvent,
    ProjectRestored,
    ProjectTrashed,
    ProjectUnarchived,
)

CATEGORY: Final = "project"

SCHEMA: Final = "project-1"
"""Names the shape of `Project`: raise it with every change, or old snapshots are taken for new ones."""


class Project(State):
    """A project: what deciding remembers, what a write answers and what read models keep, in one shape."""

    id: ProjectId
    workspace_id: WorkspaceId
    name: str
    description: str | None
    """Markdown."""
    color: str | None
    """`#rrggbb`."""
    icon: str | None
    status: Literal["active", "archived"]
    """Archived: its tasks can be read and not changed."""
    rank: str
    """Sorts the projects as their people have arranged them; compare code point by code point."""
    created_at: datetime
    created_by: UserId
    updated_at: datetime
    archived_at: datetime | None
    archived_by: UserId | None
    trashed_at: datetime | None
    trashed_by: UserId | None
    version: int
    """Grows with every event. 0: it does not exist."""


_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")

ABSENT: Final = Project(
    id=ProjectId(_NOBODY),
    workspace_id=WorkspaceId(_NOBODY),
    name="",
    description=None,
    color=None,
    icon=None,
    status="active",
    rank="",
    created_at=_NEVER,
    created_by=UserId(_NOBODY),
    updated_at=_NEVER,
    archived_at=None,
    archived_by=None,
    trashed_at=None,
    trashed_by=None,
    version=0,
)
"""A project that does not exist."""

EDITED_FIELDS: Final = ("name", "description", "color", "icon", "rank")


def evolve(project: Project, event: ProjectEvent) -> Project:
    """The project after the event. Never raises: what is in the log has happened."""
    version = project.version + 1
    match event:
        case ProjectCreated():
            return _created(event)
        case ProjectEdited():
            changes = {field: value for field in EDITED_FIELDS if (value := getattr(event, field)) is not UNSET}
            return replace(project, updated_at=event.at, version=version, **changes)
        case ProjectArchived():
            return replace(
                project,
                status="archived",
                archived_at=event.at,
                archived_by=event.by,
                updated_at=event.at,
                version=version,
            )
        case ProjectUnarchived():
            return replace(
                project, status="active", archived_at=None, archived_by=None, updated_at=event.at, version=version
            )
        case ProjectTrashed():
            return replace(project, trashed_at=event.at, trashed_by=event.by, updated_at=event.at, version=version)
        case ProjectRestored():
            return replace(project, trashed_at=None, trashed_by=None, updated_at=event.at, version=version)


def _created(event: ProjectCreated) -> Project:
    return replace(
        ABSENT,
        id=event.project_id,
        workspace_id=event.workspace_id,
        name=event.name,
        description=event.description,
        color=event.color,
        icon=event.icon,
        rank=event.rank,
        created_at=event.at,
        created_by=event.by,
        updated_at=event.at,
        version=1,
    )
