"""What is asked of projects."""

from datetime import datetime

from sigdep.contracts.ids import ProjectId, UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Command, UnsetType


class CreateProject(Command):
    by: UserId
    at: datetime
    name: str
    project_id: ProjectId | None = None
    """None: made from the command's own id."""
    workspace_id: WorkspaceId | None = None
    """None: the personal one."""
    description: str | None = None
    color: str | None = None
    icon: str | None = None
    rank: str | None = None
    before_id: ProjectId | None = None
    after_id: ProjectId | None = None


class EditProject(Command):
    project_id: ProjectId
    by: UserId
    at: datetime
    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    color: str | UnsetType | None = UNSET
    icon: str | UnsetType | None = UNSET
    rank: str | UnsetType = UNSET


class MoveProject(Command):
    """Without a neighbour or rank it comes last."""

    project_id: ProjectId
    by: UserId
    at: datetime
    rank: str | None = None
    before_id: ProjectId | None = None
    after_id: ProjectId | None = None


class ArchiveProject(Command):
    project_id: ProjectId
    by: UserId
    at: datetime


class UnarchiveProject(Command):
    project_id: ProjectId
    by: UserId
    at: datetime


class TrashProject(Command):
    project_id: ProjectId
    by: UserId
    at: datetime


class RestoreProject(Command):
    project_id: ProjectId
    by: UserId
    at: datetime


ProjectCommand = (
    CreateProject | EditProject | MoveProject | ArchiveProject | UnarchiveProject | TrashProject | RestoreProject
)
