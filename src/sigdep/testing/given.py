"""Decisions as sentences: given these events, when this command comes, then those events, or a refusal."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import pytest

from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import SigdepError
from sigdep.kernel.messages import Event, State

C = TypeVar("C")
S = TypeVar("S", bound=State)


class Given(Generic[C, S]):
    """One aggregate's decisions: `given = Given(task)`, then `given(created).when(complete).then(completed)`."""

    def __init__(self, decider: Decider[C, S]) -> None:
        self.decider = decider

    def __call__(self, *events: Event) -> "Past[C, S]":
        return Past(self.decider, self.decider.fold(self.decider.initial, events))


class Past(Generic[C, S]):
    """What has happened so far, folded."""

    def __init__(self, decider: Decider[C, S], state: S) -> None:
        self.decider = decider
        self.state = state

    def when(self, command: C) -> "Decision[C, S]":
        return Decision(self.decider, self.state, command)


class Decision(Generic[C, S]):
    """A command that is about to be decided. Deciding happens in `then` or `refused`, once."""

    def __init__(self, decider: Decider[C, S], state: S, command: C) -> None:
        self.decider = decider
        self.state = state
        self.command = command

    def then(self, *expected: Event) -> Past[C, S]:
        """The decision is exactly these events; none: nothing changes. Returns the past with them added."""
        events = self._decide()
        assert list(events) == list(expected)
        return Past(self.decider, self.decider.fold(self.state, events))

    def refused(self, error: type[SigdepError], saying: str = "") -> None:
        """The decision is this very kind of refusal (not one below it), and its sentence holds the words `saying`."""
        with pytest.raises(SigdepError) as caught:
            self._decide()
        assert type(caught.value) is error, f"It was refused with {caught.value!r}."
        assert saying in caught.value.detail

    def _decide(self) -> Sequence[Event]:
        before: Any = self.state
        events = self.decider.decide(self.command, self.state)
        assert self.state == before
        return events
