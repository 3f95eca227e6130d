"""What has happened to a project: stream `project-<project id>`."""

from datetime import datetime

from sigdep.contracts.ids import ProjectId, UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Event, UnsetType


class ProjectCreated(Event, omit_defaults=True):
    project_id: ProjectId
    workspace_id: WorkspaceId
    name: str
    rank: str
    by: UserId
    at: datetime
    description: str | None = None
    color: str | None = None
    icon: str | None = None


class ProjectEdited(Event):
    """Some of its fields have a new value."""

    project_id: ProjectId
    by: UserId
    at: datetime
    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    color: str | UnsetType | None = UNSET
    icon: str | UnsetType | None = UNSET
    rank: str | UnsetType = UNSET


class ProjectArchived(Event):
    """Its tasks can be read and no longer changed, and leave the lists that do not ask for them."""

    project_id: ProjectId
    by: UserId
    at: datetime


class ProjectUnarchived(Event):
    project_id: ProjectId
    by: UserId
    at: datetime


class ProjectTrashed(Event):
    """Its tasks are out of sight with it, without any event of their own."""

    project_id: ProjectId
    by: UserId
    at: datetime


class ProjectRestored(Event):
    """It is back from the trash, and its tasks with it."""

    project_id: ProjectId
    by: UserId
    at: datetime


ProjectEvent = ProjectCreated | ProjectEdited | ProjectArchived | ProjectUnarchived | ProjectTrashed | ProjectRestored
