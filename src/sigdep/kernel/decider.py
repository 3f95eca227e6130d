"""How an aggregate decides: a command and a state give events, a state and an event give a state."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Generic, TypeVar
from uuid import UUID

from sigdep.kernel.ids import StreamId, stream_id
from sigdep.kernel.messages import Event, State

C = TypeVar("C")
S = TypeVar("S", bound=State)


@dataclass(frozen=True, kw_only=True)
class Decider(Generic[C, S]):
    """One kind of aggregate: two pure functions and the state they begin with."""

    category: str
    """The streams are called `<category>-<id>`."""
    initial: S
    decide: Callable[[C, S], Sequence[Event]]
    """Raises a SigdepError where the command is refused. No events: there is nothing to change."""
    evolve: Callable[[S, Any], S]
    """Total over the category's events, and never raises: what is in the log has happened."""
    schema: str
    """Names the shape of the state; change it whenever an old snapshot would be wrong."""

    def stream(self, identity: UUID) -> StreamId:
        return stream_id(self.category, identity)

    def fold(self, state: S, events: Iterable[Event | None]) -> S:
        """The state after the events. Those of an erased subject (None) say nothing."""
        return reduce(self.evolve, (event for event in events if event is not None), state)
