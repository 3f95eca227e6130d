"""Gives a request up when its answer is overdue, at the cost of a dictionary entry each."""

import asyncio
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from sigdep.http.exchange import Exchange
from sigdep.http.refusals import DeadlinePassed, SlowRequest

SWEEP_SECONDS: Final = 0.5
"""A deadline is kept to within this. One sweep for all is far cheaper than a timer for each."""


class Deadlines:
    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds
        self._running: dict[asyncio.Task[Any], float] = {}
        """Each request's task and the loop's time when it is overdue, in order of arrival."""
        self._overdue: set[asyncio.Task[Any]] = set()
        self._sweep_handle: asyncio.TimerHandle | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["endpoint"].deadline:
            await self.app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self._running[task] = loop.time() + self.seconds
        if self._sweep_handle is None:
            self._sweep_handle = loop.call_later(SWEEP_SECONDS, self._sweep, loop)
        try:
            await self.app(scope, receive, send)
        except asyncio.CancelledError:
            if task not in self._overdue:
                raise
            task.uncancel()
            raise self._refusal(Exchange.of(scope)) from None
        finally:
            self._running.pop(task, None)
            self._overdue.discard(task)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        overdue = []
        for task, due in self._running.items():
            if due > now:
                break  # All later ones are due later.
            overdue.append(task)
        for task in overdue:
            del self._running[task]
            self._overdue.add(task)
            task.cancel()
        self._sweep_handle = loop.call_later(SWEEP_SECONDS, self._sweep, loop) if self._running else None

    def _refusal(self, exchange: Exchange) -> Exception:
        if exchange.reading:
            return SlowRequest(f"The body had not arrived after {self.seconds:g} seconds.")
        return DeadlinePassed(
            f"There was no answer after {self.seconds:g} seconds. What you asked for may have happened nevertheless: "
            "repeat it with the same Idempotency-Key."
        )
