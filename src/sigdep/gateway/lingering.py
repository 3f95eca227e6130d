"""Closes a connection so that the client still hears the last answer, though it has not finished sending.

A socket that is closed with unread bytes in it is reset, and the reset may overtake the answer. So the answer is
followed by the end of our side only, and what still comes is thrown away for a moment (RFC 9112 §9.6).
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

LINGER_SECONDS: Final = 1.0
LINGER_BYTES_MAX: Final = 16_777_216


class LingeringTransport:
    """A transport whose `close` lingers when there is something left to be sent to us."""

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, more_to_come: Callable[[], bool]
    ) -> None:
        self.write = transport.write
        self._transport = transport
        self._loop = loop
        self._more_to_come = more_to_come
        self._end: asyncio.TimerHandle | None = None
        self._bytes = 0

    @property
    def lingers(self) -> bool:
        return self._end is not None

    def is_closing(self) -> bool:
        return self._end is not None or self._transport.is_closing()

    def close(self) -> None:
        if self._transport.is_closing():
            return
        if self._end is not None or not self._more_to_come() or not self._transport.can_write_eof():
            self.forget()
            self._transport.close()
            return
        self._end = self._loop.call_later(LINGER_SECONDS, self._transport.close)
        self._transport.write_eof()
        self._transport.resume_reading()

    def throw_away(self, data: bytes) -> None:
        """What came while lingering."""
        self._bytes += len(data)
        if self._bytes > LINGER_BYTES_MAX:
            self._transport.abort()

    def forget(self) -> None:
        """The connection is gone."""
        if self._end is not None:
            self._end.cancel()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
