"""The one table of failures, kind → status code of gRPC: errors are sent by it, and raised again on the other side.

Its sister for HTTP is `http/problems.py`.
"""

from collections.abc import Iterator
from typing import Any, Final

from grpc import StatusCode

from sigdep.kernel.errors import (
    Forbidden,
    Invalid,
    KeyReused,
    NotFound,
    Refused,
    SigdepError,
    Stale,
    TooMany,
    Unauthenticated,
    Unavailable,
    WrongExpectedVersion,
)
from sigdep.kernel.ids import StreamId, Version
from sigdep.kernel.keys import KeyDestroyed
from sigdep.kernel.store import EventTooLarge
from sigdep.rpc import wire
from sigdep.rpc.mapping import MAPPERS
from sigdep.rpc.messages import message_class

KINDS: Final[dict[type[SigdepError], StatusCode]] = {
    NotFound: StatusCode.NOT_FOUND,
    Unauthenticated: StatusCode.UNAUTHENTICATED,
    Forbidden: StatusCode.PERMISSION_DENIED,
    Invalid: StatusCode.INVALID_ARGUMENT,
    KeyReused: StatusCode.INVALID_ARGUMENT,
    EventTooLarge: StatusCode.INVALID_ARGUMENT,
    Refused: StatusCode.FAILED_PRECONDITION,
    KeyDestroyed: StatusCode.FAILED_PRECONDITION,
    WrongExpectedVersion: StatusCode.ABORTED,
    Stale: StatusCode.ABORTED,
    TooMany: StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: StatusCode.UNAVAILABLE,
}

BUG: Final = "Bug"
"""The kind of whatever the table does not name."""

FAULTS_MAX: Final = 100
"""Named to the caller. A status travels in headers, which have a size."""

TYPE_URL: Final = f"type.googleapis.com/{wire.SHARED.package}.Problem"
DETAILS: Final = "grpc-status-details-bin"

_KIND_NAMES: Final = {kind.__name__: kind for kind in KINDS}
_CODES: Final = {code.value[0]: code for code in StatusCode}


class RemoteBug(Exception):
    """The service has failed in a way that nobody meant. Its own log says how."""


def problem_of(error: BaseException) -> wire.Problem:
    """The error as it is sent. Of a bug nothing is told."""
    kind = next((ancestor for ancestor in type(error).__mro__ if ancestor in KINDS), None)
    if kind is None or not isinstance(error, SigdepError):
        return wire.Problem(code=StatusCode.INTERNAL.value[0], kind=BUG, error=BUG, detail="")
    told: dict[str, Any] = {}
    match error:
        case Invalid():
            told = {"faults": error.faults[:FAULTS_MAX]}
        case WrongExpectedVersion():
            told = {"stream": error.stream, "expected": error.expected, "actual": error.actual}
        case TooMany() | Unavailable():
            told = {"retry_after_seconds": error.retry_after_seconds}
        case _:
            pass
    return wire.Problem(
        code=KINDS[kind].value[0], kind=kind.__name__, error=type(error).__name__, detail=error.detail, **told
    )


def error_of(problem: wire.Problem) -> Exception:
    """The error as it was raised: of its very class, if this process knows it, else of its kind."""
    kind = _KIND_NAMES.get(problem.kind)
    if kind is None:
        return RemoteBug("The service has failed; its log says how.")
    same_name = [subclass for subclass in _and_below(kind) if subclass.__name__ == problem.error]
    error = _bare(same_name[0] if len(same_name) == 1 else kind, problem.detail)
    match error:
        case Invalid():
            error.faults = problem.faults
        case WrongExpectedVersion():
            error.stream = StreamId(problem.stream or "")
            error.expected, error.actual = Version(problem.expected or 0), Version(problem.actual or 0)
        case TooMany() | Unavailable():
            error.retry_after_seconds = problem.retry_after_seconds or 1.0
        case _:
            pass
    return error


def _bare(kind: type[SigdepError], detail: str) -> SigdepError:
    """An error with its text. Its class may ask for other arguments, from which it made this very text."""
    error = kind.__new__(kind)
    SigdepError.__init__(error, detail)
    return error


def _and_below(kind: type[SigdepError]) -> Iterator[type[SigdepError]]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from _and_below(subclass)


# ── as a status of gRPC ─────────────────────────────────────────────────────────────────────────────────


def status_code_of(problem: wire.Problem) -> StatusCode:
    return _CODES[problem.code]


def details_of(problem: wire.Problem) -> bytes:
    """For the trailer DETAILS: a google.rpc.Status with the problem in it."""
    value = _encoded(problem)
    status = wire.Status(code=problem.code, message=problem.detail, details=(wire.Any(type_url=TYPE_URL, value=value),))
    return _encoded(status)


def problem_in(details: bytes) -> wire.Problem | None:
    """The problem of a trailer. None: there is none that we know."""
    status: wire.Status = _decoded(wire.Status, details)
    for detail in status.details:
        if detail.type_url == TYPE_URL:
            problem: wire.Problem = _decoded(wire.Problem, detail.value)
            return problem
    return None


def _encoded(struct: wire.Problem | wire.Status) -> bytes:
    message = message_class(wire.SHARED, type(struct).__name__)()
    MAPPERS.of(type(struct)).fill(struct, message)
    encoded: bytes = message.SerializeToString()
    return encoded


def _decoded(struct: Any, encoded: bytes) -> Any:
    return MAPPERS.of(struct).read(message_class(wire.SHARED, struct.__name__).FromString(encoded))
