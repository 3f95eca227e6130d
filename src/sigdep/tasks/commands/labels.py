"""What is asked of labels."""

from datetime import datetime

from sigdep.contracts.ids import LabelId, UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Command, UnsetType


class CreateLabel(Command):
    by: UserId
    at: datetime
    name: str
    label_id: LabelId | None = None
    """None: made from the command's own id."""
    workspace_id: WorkspaceId | None = None
    """None: the personal one."""
    color: str | None = None


class EditLabel(Command):
    label_id: LabelId
    by: UserId
    at: datetime
    name: str | UnsetType = UNSET
    color: str | UnsetType | None = UNSET


class TrashLabel(Command):
    label_id: LabelId
    by: UserId
    at: datetime


class RestoreLabel(Command):
    label_id: LabelId
    by: UserId
    at: datetime


LabelCommand = CreateLabel | EditLabel | TrashLabel | RestoreLabel
