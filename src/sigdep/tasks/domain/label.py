"""What a label is, and how each event changes it."""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from sigdep.contracts.ids import LabelId, UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, State
from sigdep.tasks.events.labels import LabelCreated, LabelEdited, LabelEvent, LabelRestored, LabelTrashed

CATEGORY: Final = "label"

SCHEMA: Final = "label-1"
"""Names the shape of `Label`: raise it with every change, or old snapshots are taken for new ones."""


class Label(State):
    """A label: what deciding remembers, what a write answers and what read models keep, in one shape."""

    id: LabelId
    workspace_id: WorkspaceId
    name: str
    """Unique in its workspace, without regard to case."""
    color: str | None
    """`#rrggbb`."""
    created_at: datetime
    created_by: UserId
    updated_at: datetime
    trashed_at: datetime | None
    trashed_by: UserId | None
    version: int
    """Grows with every event. 0: it does not exist."""


_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")

ABSENT: Final = Label(
    id=LabelId(_NOBODY),
    workspace_id=WorkspaceId(_NOBODY),
    name="",
    color=None,
    created_at=_NEVER,
    created_by=UserId(_NOBODY),
    updated_at=_NEVER,
    trashed_at=None,
    trashed_by=None,
    version=0,
)
"""A label that does not exist."""


def evolve(label: Label, event: LabelEvent) -> Label:
    """The label after the event. Never raises: what is in the log has happened."""
    version = label.version + 1
    match event:
        case LabelCreated():
            return replace(
                ABSENT,
                id=event.label_id,
                workspace_id=event.workspace_id,
                name=event.name,
                color=event.color,
                created_at=event.at,
                created_by=event.by,
                updated_at=event.at,
                version=1,
            )
        case LabelEdited():
            return replace(
                label,
                name=label.name if event.name is UNSET else event.name,
                color=label.color if event.color is UNSET else event.color,
                updated_at=event.at,
                version=version,
            )
        case LabelTrashed():
            return replace(label, trashed_at=event.at, trashed_by=event.by, updated_at=event.at, version=version)
        case LabelRestored():
            return replace(label, trashed_at=None, trashed_by=None, updated_at=event.at, version=version)
