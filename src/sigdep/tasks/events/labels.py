"""What has happened to labels, and to their names.

Streams: `label-<label id>`, and `label_name-<made of workspace and name>`, which keeps names unique and is not public.
"""

from datetime import datetime

from sigdep.contracts.ids import LabelId, UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Event, UnsetType


class LabelCreated(Event, omit_defaults=True):
    label_id: LabelId
    workspace_id: WorkspaceId
    name: str
    by: UserId
    at: datetime
    color: str | None = None


class LabelEdited(Event):
    """Some of its fields have a new value."""

    label_id: LabelId
    by: UserId
    at: datetime
    name: str | UnsetType = UNSET
    color: str | UnsetType | None = UNSET


class LabelTrashed(Event):
    """It can no longer be given to tasks. Those that have it keep it, unseen, until it is restored."""

    label_id: LabelId
    by: UserId
    at: datetime


class LabelRestored(Event):
    label_id: LabelId
    by: UserId
    at: datetime


LabelEvent = LabelCreated | LabelEdited | LabelTrashed | LabelRestored


class LabelNameTaken(Event):
    label_id: LabelId
    by: UserId
    at: datetime


class LabelNameFreed(Event):
    label_id: LabelId
    by: UserId
    at: datetime


LabelNameEvent = LabelNameTaken | LabelNameFreed
