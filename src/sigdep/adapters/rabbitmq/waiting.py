"""What waits for frames that RabbitMQ sends of its own accord: chunks of a stream, and confirmations."""

import asyncio
from collections.abc import Iterable

from rstream import exceptions, schema

from sigdep.adapters.outages import Away


class Subscription:
    """Chunks of one stream as they arrive: no more than it was given credit for."""

    def __init__(self, identity: int, stream: str) -> None:
        self.identity, self.stream = identity, stream
        self._arrived: asyncio.Queue[schema.Deliver | None] = asyncio.Queue()

    def deliver(self, chunk: schema.Deliver) -> None:
        self._arrived.put_nowait(chunk)

    def end(self) -> None:
        """Nothing comes any more."""
        self._arrived.put_nowait(None)

    async def next(self, seconds: float) -> schema.Deliver:
        """
        Raises:
            TimeoutError: there was none for so long.
            Away: the stream or the connection is gone.
        """
        # No `wait_for`: before Python 3.12 it loses a cancellation that comes with what it waits for.
        async with asyncio.timeout(seconds):
            chunk = await self._arrived.get()
        if chunk is None:
            self.end()  # For who asks again.
            raise Away("The stream or the connection to RabbitMQ is gone.")
        return chunk


class Publication:
    """One stream that may be published to over a connection, and what of it is not confirmed yet."""

    def __init__(self, identity: int, stream: str) -> None:
        self.identity, self.stream = identity, stream
        self.ended = False
        self._awaited = set[int]()
        self._outcome: asyncio.Future[None] | None = None

    def await_all(self, publishing_ids: Iterable[int]) -> None:
        """What is to be confirmed next. What was before does not matter any more."""
        self._awaited = set(publishing_ids)
        self._outcome = asyncio.get_running_loop().create_future()
        if self.ended:
            self.end()

    def confirm(self, publishing_ids: Iterable[int]) -> None:
        self._awaited.difference_update(publishing_ids)
        if not self._awaited and self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(None)

    def refuse(self, errors: Iterable[schema.PublishingError]) -> None:
        for error in errors:
            if error.publishing_id in self._awaited:
                self._fail(exceptions.ServerError.from_code(error.response_code)())

    def end(self) -> None:
        """Nothing is confirmed any more."""
        self.ended = True
        self._fail(Away("The stream or the connection to RabbitMQ is gone."))

    async def confirmed(self, seconds: float) -> None:
        """Once all is.

        Raises:
            TimeoutError: it was not after so long.
            Away: it may not be.
            ServerError: it was refused.
        """
        assert self._outcome is not None, "Nothing was published."
        async with asyncio.timeout(seconds):
            await self._outcome

    def _fail(self, error: Exception) -> None:
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_exception(error)
            self._outcome.exception()  # Perhaps nobody waits for it any more.
