"""One request on its way through the gateway, and what the layers have learnt of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol
from uuid import UUID

from starlette.types import Scope

from sigdep.http.limiting import Allowance
from sigdep.http.refusals import Malformed
from sigdep.rpc.call import Principal
from sigdep.telemetry.trace import Trace

Header = tuple[bytes, bytes]


class Connection(Protocol):
    """What our server offers beside ASGI."""

    @property
    def stopping(self) -> bool:
        """True: the server is about to end."""
        ...

    def reply_at_once(self, exchange: "Exchange", status: int, headers: list[Header], body: bytes) -> bool:
        """Answer in one piece, in one call. False: not now, use ASGI."""
        ...


_KEY: Final = "sigdep.exchange"

_ONCE: Final = frozenset(
    (b"authorization", b"content-length", b"content-type", b"host", b"idempotency-key", b"if-match",
     b"sigdep-min-position")
)  # fmt: skip
"""Headers that may stand in a request only once: two of them are a mistake or an attack."""


class Exchange:
    """Made once for each request; the layers share it through the ASGI scope."""

    __slots__ = (
        "address",
        "allowance",
        "answer_headers",
        "ask_again",
        "bearer",
        "command_id",
        "connection",
        "headers",
        "method",
        "path",
        "path_values",
        "principal",
        "query",
        "reading",
        "request_id",
        "route",
        "status",
        "trace",
        "traceparent",
    )

    def __init__(self, scope: Scope, command_id: UUID) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        """By lower-case name."""
        self.command_id = command_id
        """Of the command that the request may carry. UUIDv7."""
        self.request_id = ""
        self.trace: Trace | None = None
        """Where in its trace the request is. None: it has none."""
        self.traceparent: str | None = None
        """The same, as it travels on."""
        self.address = ""
        self.route: str | None = None
        """The template of the path, as in `/api/tasks/{task_id}`. None: no such path."""
        self.path_values: Sequence[str] = ()
        self.principal: Principal | None = None
        self.bearer: str | None = None
        self.ask_again: Callable[[], Awaitable[Principal | None]] | None = None
        """After a "no": the principal anew, past every cache. None: their roles are the same."""
        self.allowance: Allowance | None = None
        """What is left to the caller, by the tightest of the limits that the request was counted by. None: by none."""
        self.reading = False
        """True while the body is on its way."""
        self.answer_headers: list[Header] = []
        """What the layers add to the answer."""
        self.connection: Connection | None = scope.get("sigdep.connection")
        self.status = 0
        """Of the answer. 0: it has not begun."""
        scope[_KEY] = self

    def belongs_to(self, scope: Scope) -> bool:
        return scope.get(_KEY) is self

    @staticmethod
    def of(scope: Scope) -> "Exchange":
        exchange: Exchange = scope[_KEY]
        return exchange


def refuse_repeated_headers(headers: Sequence[Header]) -> None:
    """
    Raises:
        Malformed: a header stands twice that may stand once.
    """
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in seen and name in _ONCE:
            raise Malformed(f"The header {name.decode('latin-1')} stands twice; send it once.")
        seen.add(name)
