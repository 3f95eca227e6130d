"""What is being worked on, so that each line of a log can say to which request it belongs."""

from contextvars import ContextVar
from typing import Any, NamedTuple

from sigdep.telemetry.trace import trace_id_of


class Work(NamedTuple):
    """The request on whose behalf something is done, wherever it came in."""

    request_id: str | None = None
    traceparent: str | None = None


_current: ContextVar[Work] = ContextVar("sigdep.work", default=Work())  # noqa: B039  It cannot be changed.


def begin_work(request_id: str | None, traceparent: str | None) -> None:
    """From now on, in this task and those that it starts."""
    _current.set(Work(request_id, traceparent))


def current_work() -> Work:
    return _current.get()


def add_work(_logger: Any, _method: str, event: Any) -> Any:
    """Adds its ids to a line (a processor of structlog). What the line says by itself stays."""
    work = _current.get()
    if work.request_id is not None:
        event.setdefault("request_id", work.request_id)
    if work.traceparent is not None:
        event.setdefault("trace_id", trace_id_of(work.traceparent))
    return event
