"""What has a stream of its own, and how it is read from its row or from its events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sigdep.kernel.ids import StreamId, stream_id
from sigdep.kernel.messages import Event, State
from sigdep.kernel.read_store import Table
from sigdep.kernel.store import RecordedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    name: str
    """As a refusal says it: "This task"."""
    table: Table
    category: str
    absent: State
    begins: type[Event]
    evolve: Callable[[Any, Any], Any]

    def stream(self, identity: UUID) -> StreamId:
        return stream_id(self.category, identity)

    def fold(self, events: Sequence[RecordedEvent]) -> State | None:
        """The state after the events. None: it has not begun, or what it was has been erased."""
        state = self.absent
        for recorded in events:
            state = self.after(state, recorded.event)
        return None if state is self.absent else state

    def after(self, state: Any, event: Event | None) -> Any:
        """The state after one event; an erased one says nothing."""
        if event is None or (state is self.absent and not isinstance(event, self.begins)):
            return state
        return self.evolve(state, event)
