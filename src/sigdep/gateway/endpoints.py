"""What the gateway can route to: a typed endpoint, or a page of its own."""

from typing import Protocol

from starlette.types import Receive, Scope, Send

from sigdep.http.exchange import Header


class Endpoint(Protocol):
    """Answers one method on one path."""

    @property
    def method(self) -> str:
        """A GET answers HEAD as well."""
        ...

    @property
    def path(self) -> str: ...

    @property
    def scope(self) -> str | None:
        """What a token must be allowed. None: open to everybody."""
        ...

    @property
    def deadline(self) -> bool:
        """False: it may take as long as it likes."""
        ...

    @property
    def for_many(self) -> bool:
        """Of what is open: a few servers of others ask it on behalf of very many people. It has a limit of its own."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class PageEndpoint(Endpoint, Protocol):
    """A page with headers of its own in place of those that JSON answers carry."""

    @property
    def security_headers(self) -> tuple[Header, ...]: ...
