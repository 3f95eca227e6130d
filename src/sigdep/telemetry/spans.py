"""What is recorded of one step: made when the step has ended, and handed to whoever takes it away."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import time_ns
from typing import Literal, Protocol

from msgspec import Struct

from sigdep.telemetry.outcomes import OK, is_failure, outcome_of
from sigdep.telemetry.trace import Trace

Kind = Literal["server", "client", "internal", "producer", "consumer"]

Value = str | int | float | bool


class Span(Struct, frozen=True, kw_only=True):
    """One step, by the names of OpenTelemetry. Ids and figures only: no text of anybody, no secret."""

    trace: Trace
    name: str
    kind: Kind
    started_ns: int
    ended_ns: int
    """Since 1970, UTC."""
    attributes: Mapping[str, Value]
    error: str | None = None
    """What it failed by. None: it did not fail. A refusal is an answer, no failure."""


class Spans(Protocol):
    """Takes spans away."""

    def take(self, span: Span) -> None:
        """Must not raise, and must not wait."""
        ...


@contextmanager
def recording(spans: Spans, trace: Trace, name: str, kind: Kind, attributes: dict[str, Value]) -> Iterator[str]:
    """Record what happens in the block. `attributes` may be added to meanwhile; the outcome is."""
    started, outcome, error = time_ns(), OK, None
    try:
        yield trace.traceparent
    except BaseException as failure:
        outcome = outcome_of(failure)
        error = outcome if is_failure(failure) else None
        raise
    finally:
        attributes["sigdep.outcome"] = outcome
        spans.take(
            Span(
                trace=trace,
                name=name,
                kind=kind,
                started_ns=started,
                ended_ns=time_ns(),
                attributes=attributes,
                error=error,
            )
        )
