"""What other contexts hear of people and workspaces: ids, and that something must be forgotten."""

from collections.abc import Mapping
from typing import Final

from sigdep.contracts import events as public
from sigdep.contracts.cloud_event import CloudEvent, told
from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.messages import Event
from sigdep.kernel.store import RecordedEvent
from sigdep.users.events.people import UserErased
from sigdep.users.events.workspaces import MemberRemoved, WorkspaceErased

SOURCE: Final = "/contexts/users"
TYPES: Final = "sigdep.users."

TOLD: Final[Mapping[str, type[public.PublicEvent]]] = {
    TYPES + event.__name__: event for event in (public.MemberRemoved, public.UserErased, public.WorkspaceErased)
}
"""The shapes of what others hear, by the types of their envelopes."""


def publish(recorded: RecordedEvent) -> CloudEvent | None:
    """The public event that a recorded one stands for. None: it is nobody else's business, or has been erased."""
    if recorded.event is None:
        return None
    translated = _translate(recorded.event)
    if translated is None:
        return None
    workspace_id, fact = translated
    return told(recorded, fact, source=SOURCE, types=TYPES, workspace_id=workspace_id)


def _translate(event: Event) -> tuple[WorkspaceId | None, public.PublicEvent] | None:
    match event:
        case MemberRemoved():
            fact = public.MemberRemoved(
                workspace_id=event.workspace_id, user_id=event.user_id, removed_at=event.at, removed_by=event.by
            )
            return event.workspace_id, fact
        case WorkspaceErased():
            return event.workspace_id, public.WorkspaceErased(workspace_id=event.workspace_id, erased_at=event.at)
        case UserErased():
            return None, public.UserErased(user_id=event.user_id, erased_at=event.at)
        case _:
            return None
