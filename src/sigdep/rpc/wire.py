"""The messages that every service shares: what goes along with a message, and what comes back."""

from typing import Final

from msgspec import Struct

from sigdep.kernel.errors import Fault
from sigdep.kernel.store import AnswerKey
from sigdep.rpc.call import Call, Principal, WorkspacePosition
from sigdep.rpc.contract import FileContract


class Answer(Struct, frozen=True, kw_only=True):
    """What a service answers.

    The value travels as the document that the HTTP API shows: read models keep it encoded, and nobody on the way
    needs to look into it.
    """

    json: bytes | None = None
    """None: there is nothing to show, as after a deletion."""
    position: WorkspacePosition | None = None
    version: int | None = None
    created: bool = False


class Problem(Struct, frozen=True, kw_only=True):
    """Why a service refuses. What was learnt about the failure stands beside the sentence for the person who asked."""

    code: int
    """The status code of gRPC that this kind of failure has."""
    kind: str
    """`NotFound`, `Refused` …: the table of failures names each."""
    error: str
    """A more exact name, where there is one: `InvalidGrant`."""
    detail: str
    """Empty for a bug: its text is for the log of the service alone."""
    faults: tuple[Fault, ...] = ()
    stream: str | None = None
    expected: int | None = None
    actual: int | None = None
    retry_after_seconds: float | None = None


class Any(Struct, frozen=True, kw_only=True):
    """The same on the wire as google.protobuf.Any."""

    type_url: str
    value: bytes


class Status(Struct, frozen=True, kw_only=True):
    """The same on the wire as google.rpc.Status, which standard tools read from `grpc-status-details-bin`."""

    code: int
    message: str
    details: tuple[Any, ...] = ()


class Outcome(Struct, frozen=True, kw_only=True):
    """What one item of a batch has led to: an answer or a problem."""

    item: int
    """Its place in the batch, from 0."""
    answer: Answer | None = None
    problem: Problem | None = None


class Outcomes(Struct, frozen=True, kw_only=True):
    """Those items of a batch that are done by now. Every item is in exactly one of a batch's answers."""

    outcomes: tuple[Outcome, ...]


SHARED: Final = FileContract(
    name="rpc.call",
    structs=(WorkspacePosition, Principal, AnswerKey, Call, Answer, Fault, Problem, Any, Status, Outcome, Outcomes),
)
