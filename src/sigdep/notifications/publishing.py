"""What others may know of what has happened here: of a notification its recipient hears, and nobody else."""

from collections.abc import Mapping
from typing import Final, get_args

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.kernel.ids import text_of
from sigdep.kernel.messages import Event
from sigdep.kernel.store import RecordedEvent
from sigdep.notifications.events import NotificationEvent

SOURCE: Final = "/contexts/notifications"
TYPES: Final = "sigdep.notifications."

TOLD: Final[Mapping[str, type[Event]]] = {TYPES + event.__name__: event for event in get_args(NotificationEvent)}
"""The shapes of what recipients hear, by the types of their envelopes."""


def publish(recorded: RecordedEvent) -> CloudEvent | None:
    """The event as its recipient hears of it. None: it is nobody's business, or its workspace has been erased."""
    event = recorded.event
    if not isinstance(event, NotificationEvent):
        return None
    actor = recorded.metadata.actor
    return CloudEvent(
        id=f"{recorded.partition}-{recorded.position}",
        source=SOURCE,
        type=TYPES + recorded.type,
        time=recorded.recorded_at,
        subject=recorded.stream,
        datacontenttype="application/json",
        data=event,
        workspaceid=recorded.workspace,
        streamversion=recorded.version,
        actorid=None if actor is None else str(actor),
        traceparent=recorded.metadata.trace,
        recipientid=text_of(event.recipient_id),
    )
