"""A place in a trace, as it travels between processes (W3C Trace Context)."""

from os import urandom
from re import compile as pattern
from typing import Final

from msgspec import Struct

_TRACEPARENT: Final = pattern(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<later>-.*)?"
)

_SAMPLED: Final = frozenset("13579bdf")
"""The last digit of the flags, where their lowest bit is set (§3.2.2.5.1)."""

_LAST_FLAG: Final = 54


class Trace(Struct, frozen=True, gc=False):
    """One step of a trace. The step that it belongs to is its parent."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    sampled: bool
    """Whether it is recorded, here and by everybody who is asked on the way."""
    parent_id: str | None = None

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

    def child(self) -> "Trace":
        """A new step within this one."""
        return Trace(self.trace_id, urandom(8).hex(), self.sampled, self.span_id)


def new_trace(sampled: bool) -> Trace:
    made = urandom(24).hex()
    return Trace(made[:32], made[32:], sampled)


def parse_traceparent(given: str) -> Trace | None:
    """None: it is not valid, and must be ignored (§3.2.2).

    A later version than 00 may have more parts: those we know are kept (§3.2.4).
    """
    found = _TRACEPARENT.fullmatch(given)
    if found is None or (found["later"] and found["version"] == "00"):
        return None
    return Trace(found["trace"], found["span"], found["flags"][-1] in _SAMPLED)


def is_sampled(traceparent: str | None) -> bool:
    """
    Args:
        traceparent: as our own edge has made it.
    """
    return traceparent is not None and traceparent[_LAST_FLAG] in _SAMPLED


def sampled_trace(traceparent: str | None) -> Trace | None:
    """The place to go on from. None: nothing is recorded."""
    return parse_traceparent(traceparent) if traceparent is not None and is_sampled(traceparent) else None


def trace_id_of(traceparent: str | None) -> str | None:
    """For a line of a log."""
    return None if traceparent is None else traceparent[3:35]
