"""Decides at the edge, before anything else, whether a request is recorded. Everybody behind it keeps to that."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from msgspec.structs import replace

from sigdep.telemetry.trace import Trace, new_trace, parse_traceparent

DEMANDED_PER_SECOND_MAX: Final = 50
"""Traces that clients ask for in their `traceparent`. More are not recorded: a span costs more than most requests do,
and whoever may send a request may send that header."""

_SPACE: Final = 1 << 64


class Sampler:
    def __init__(self, ratio: float | None = None, *, steady: Callable[[], float] = monotonic) -> None:
        """
        Args:
            ratio: of the requests that come without a decision. None: nothing is recorded in this process, and what
                others have decided is passed on.
            steady: seconds that only ever go forward.
        """
        self._bound = None if ratio is None else int(ratio * _SPACE)
        self._steady = steady
        self._second = 0
        self._demanded = 0

    def begin(self, given: str | None) -> Trace:
        """The first step of a request here. Every request has a trace, so that its lines in logs can be found.

        Args:
            given: the client's `traceparent`.
        """
        parent = None if given is None else parse_traceparent(given)
        if parent is None:
            trace = new_trace(sampled=False)
            if self._bound and int(trace.trace_id[16:], 16) < self._bound:
                return replace(trace, sampled=True)
            return trace
        if self._bound is None:
            return parent
        child = parent.child()
        return child if not child.sampled or self._admit() else replace(child, sampled=False)

    def _admit(self) -> bool:
        second = int(self._steady())
        if second != self._second:
            self._second, self._demanded = second, 0
        self._demanded += 1
        return self._demanded <= DEMANDED_PER_SECOND_MAX
