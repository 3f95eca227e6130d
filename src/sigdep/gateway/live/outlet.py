"""The way to one client, as the rest sees it."""

from typing import Protocol

from sigdep.gateway.live.closing import Close


class Outlet(Protocol):
    """Takes whole frames. What the client does not read at once is kept, up to a bound; past it the client is dropped.

    Nothing here raises: to a client that has gone, nothing is sent.
    """

    @property
    def closed(self) -> bool:
        """True: nothing that is sent will arrive."""
        ...

    @property
    def waiting(self) -> bool:
        """True: something is kept for the client."""
        ...

    def send_frames(self, frames: bytes) -> None:
        """One frame, or several in a row."""
        ...

    def end(self, code: Close) -> None:
        """End the connection. What waits is thrown away, so that the client hears soon why. Safe to repeat."""
        ...

    async def drained(self) -> None:
        """Return once nothing waits any more, or nothing will arrive."""
        ...
