"""What others may know of what has happened here: nearly every event, in the shape in which it is stored."""

from collections.abc import Mapping
from typing import Final

from sigdep.contracts.cloud_event import CloudEvent, told
from sigdep.kernel.messages import Event
from sigdep.kernel.store import RecordedEvent
from sigdep.tasks.events.labels import LabelNameFreed, LabelNameTaken
from sigdep.tasks.events.stored import EVENTS
from sigdep.tasks.events.subtasks import SubtaskAdded, SubtaskRemoved

SOURCE: Final = "/contexts/tasks"
TYPES: Final = "sigdep.tasks."

PRIVATE: Final[frozenset[type[Event]]] = frozenset((SubtaskAdded, SubtaskRemoved, LabelNameTaken, LabelNameFreed))
"""They help to decide, and say nothing that another event does not say."""

TOLD: Final[Mapping[str, type[Event]]] = {TYPES + event.__name__: event for event in EVENTS if event not in PRIVATE}
"""The shapes of what others hear, by the types of their envelopes."""


def publish(recorded: RecordedEvent) -> CloudEvent | None:
    """The event as others hear of it. None: it is private, or its workspace has been erased."""
    event = recorded.event
    if event is None or type(event) in PRIVATE:
        return None
    return told(recorded, event, source=SOURCE, types=TYPES, workspace_id=recorded.workspace)
