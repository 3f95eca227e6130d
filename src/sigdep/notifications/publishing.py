"""What others may know of what has happened here: of a notification its recipient hears, and nobody else."""

from collections.abc import Mapping
from typing import Final, get_args

from sigdep.contracts.cloud_event import CloudEvent, told
from sigdep.kernel.ids import text_of
from sigdep.kernel.messages import Event
from sigdep.kernel.store import RecordedEvent
from sigdep.notifications.events.inbox import NotificationEvent

SOURCE: Final = "/contexts/notifications"
TYPES: Final = "sigdep.notifications."

TOLD: Final[Mapping[str, type[Event]]] = {TYPES + event.__name__: event for event in get_args(NotificationEvent)}
"""The shapes of what recipients hear, by the types of their envelopes."""


def publish(recorded: RecordedEvent) -> CloudEvent | None:
    """The event as its recipient hears of it. None: it is nobody's business, or its workspace has been erased."""
    event = recorded.event
    if not isinstance(event, NotificationEvent):
        return None
    return told(
        recorded,
        event,
        source=SOURCE,
        types=TYPES,
        workspace_id=recorded.workspace,
        recipient_id=text_of(event.recipient_id),
    )
