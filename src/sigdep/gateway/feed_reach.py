"""Whether the log of one context can be asked at present: while it cannot, few ask, and one line says so."""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, TypeVar

import structlog

from sigdep.kernel.errors import Unavailable

RETRY_SECONDS: Final = 1.0
"""So long a log that was away is taken to be away still, by all but whoever asks next."""

T = TypeVar("T")

_log = structlog.get_logger("sigdep.gateway")


class Reach:
    """Of one log, for all who read it in this process."""

    def __init__(self, context: str) -> None:
        self._context = context
        self._away: Unavailable | None = None
        self._asked_at = 0.0

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """
        Raises:
            Unavailable: it is away, or was a moment ago.
        """
        if self._away is not None:
            if monotonic() - self._asked_at < RETRY_SECONDS:
                raise Unavailable(self._away.detail, self._away.retry_after_seconds)
            self._asked_at = monotonic()  # Who comes meanwhile does not wait for what may never answer.
        try:
            answer = await question()
        except Unavailable as error:
            self.lost(error)
            raise
        self.found()
        return answer

    def lost(self, error: Unavailable) -> None:
        """It has not answered."""
        if self._away is None:
            _log.warning("a log is away; what others bring is told", context=self._context, reason=error.detail)
        self._away, self._asked_at = error, monotonic()

    def found(self) -> None:
        """It has answered."""
        if self._away is not None:
            _log.info("a log is there again", context=self._context)
        self._away = None
