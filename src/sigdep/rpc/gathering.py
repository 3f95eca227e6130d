"""Gathers calls that wait at the same time: what a call costs is the call itself, not the bytes in it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

from sigdep.kernel.errors import Unavailable
from sigdep.rpc.servicer import BATCH_ITEMS_MAX

BATCHES_MAX: Final = 2
"""In flight at a time. While they are, others gather."""

BATCH_BYTES_MAX: Final = 1_048_576
"""Of the items of a batch; a larger item goes alone."""

PATIENCE_SECONDS: Final = 0.01
"""A batch that takes longer holds up nobody else: it is no more counted among BATCHES_MAX."""

CALLS_MAX: Final = 10_000
"""That wait for an answer, sent or not. More are refused: nobody would wait for theirs."""


class Waiting(NamedTuple):
    """A call that waits for its answer."""

    item: Any
    octets: int
    answer: "asyncio.Future[Any]"


Send = Callable[[Sequence[Waiting]], Awaitable[None]]
"""Sends calls together and gives each its answer. Raises what all that have none by then are told."""


class Gatherer:
    """The calls of one process to one service."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: deque[Waiting] = deque()
        self._calls = 0
        self._counted: set[asyncio.Task[None]] = set()
        self._jobs: set[asyncio.Task[None]] = set()
        self._closed = False

    async def ask(self, item: Any) -> Any:
        """
        Raises:
            Unavailable: too many calls wait already.
        """
        if self._closed:
            raise Unavailable("This process is about to end.")
        if self._calls >= CALLS_MAX:
            raise Unavailable(f"{CALLS_MAX:,} calls wait for this service already.")
        loop = asyncio.get_running_loop()
        waiting = Waiting(item, item.ByteSize(), loop.create_future())
        self._queue.append(waiting)
        if len(self._queue) == 1:
            loop.call_soon(self._dispatch)  # Whoever is ready in the same turn of the loop comes along.
        self._calls += 1
        try:
            return await waiting.answer
        finally:
            self._calls -= 1

    def _dispatch(self) -> None:
        while len(self._counted) < BATCHES_MAX and (batch := self._next_batch()):
            job = asyncio.create_task(self._carry(batch))
            self._jobs.add(job)
            self._counted.add(job)
            job.add_done_callback(self._jobs.discard)

    def _next_batch(self) -> Sequence[Waiting]:
        batch: list[Waiting] = []
        octets = 0
        while self._queue and len(batch) < BATCH_ITEMS_MAX:
            if batch and octets + self._queue[0].octets > BATCH_BYTES_MAX:
                break
            waiting = self._queue.popleft()
            if not waiting.answer.done():  # Else its caller has given up meanwhile.
                batch.append(waiting)
                octets += waiting.octets
        return batch

    async def _carry(self, batch: Sequence[Waiting]) -> None:
        job = asyncio.current_task()
        timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._count_no_more, job)
        failure: Exception = Unavailable("The answer was lost.")
        try:
            await self._send(batch)
        except Exception as error:
            failure = error
        finally:
            timer.cancel()
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(_one_more(failure))
            self._count_no_more(job)

    def _count_no_more(self, job: Any) -> None:
        """Its place among BATCHES_MAX is free, once: it is done, or takes long."""
        if job in self._counted:
            self._counted.remove(job)
            self._dispatch()

    async def close(self) -> None:
        """Whoever still waits is told that there will be no answer."""
        self._closed = True
        while batch := self._next_batch():
            for waiting in batch:
                waiting.answer.set_exception(Unavailable("This process is about to end."))
        for job in tuple(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)


def _one_more(failure: Exception) -> Exception:
    """For each caller an error of its own: raised in several places, one would collect the traceback of each."""
    if type(failure) is Unavailable:
        return Unavailable(failure.detail, failure.retry_after_seconds)
    return failure
