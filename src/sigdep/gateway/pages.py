"""Pages of the gateway itself: no context answers them, and everybody may look."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from sigdep.http.exchange import Exchange, Header
from sigdep.http.replies import Reply, send_reply


@dataclass(frozen=True, kw_only=True)
class Page:
    """A GET that is answered in one piece."""

    path: str
    answer: Callable[[Exchange], Awaitable[Reply]]
    summary: str
    content_types: Sequence[str]
    statuses: Sequence[int] = (200,)
    listed: bool = True
    """False: part of another page, and not in the OpenAPI document."""
    headers: Sequence[Header] | None = None
    """In place of those that JSON answers carry."""
    method: str = field(default="GET", init=False)
    scope: str | None = field(default=None, init=False)
    deadline: bool = field(default=True, init=False)
    for_many: bool = field(default=False, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        if self.headers is not None:
            own = {name for name, _ in self.headers}
            exchange.answer_headers = [
                *self.headers,
                *(header for header in exchange.answer_headers if header[0] not in own),
            ]
        await send_reply(exchange, send, await self.answer(exchange))
