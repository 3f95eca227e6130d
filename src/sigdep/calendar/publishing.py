"""What others may know of what has happened here: every event, in the shape in which it is stored."""

from typing import Final

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.kernel.store import RecordedEvent

SOURCE: Final = "/contexts/calendar"
TYPES: Final = "sigdep.calendar."


def publish(recorded: RecordedEvent) -> CloudEvent | None:
    """The event as others hear of it. None: its workspace has been erased."""
    event = recorded.event
    if event is None:
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
    )
