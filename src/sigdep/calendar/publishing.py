"""What others may know of what has happened here: every event, in the shape in which it is stored."""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from sigdep.calendar.events.stored import EVENTS
from sigdep.calendar.events.uids import EntryImported
from sigdep.contracts.cloud_event import CloudEvent, told
from sigdep.kernel.messages import Event
from sigdep.kernel.store import RecordedEvent

SOURCE: Final = "/contexts/calendar"
TYPES: Final = "sigdep.calendar."

TOLD: Final[Mapping[str, type[Event]]] = {TYPES + event.__name__: event for event in EVENTS}
"""The shapes of what others hear, by the types of their envelopes."""


def publish(recorded: RecordedEvent) -> CloudEvent | None:
    """The event as others hear of it. None: its workspace has been erased.

    What another calendar said is told by what became of it, and not a second time as text.
    """
    event = recorded.event
    if event is None:
        return None
    if isinstance(event, EntryImported):
        event = replace(event, text="")
    return told(recorded, event, source=SOURCE, types=TYPES, workspace_id=recorded.workspace)
