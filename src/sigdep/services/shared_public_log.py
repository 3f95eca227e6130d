"""The public log of a context, followed once for all who hear it from about the same place."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing, suppress
from typing import Final, NamedTuple

from sigdep.contracts.cloud_event import CloudEvent, place_of
from sigdep.contracts.public_log import EVERY_TYPE, PublicBatch, PublicLog
from sigdep.kernel.ids import Position, Positions

KEPT_EVENTS_MAX: Final = 2_000
KEPT_SECONDS: Final = 1.0
"""For those who are slower than others. No longer: what is erased must not be told from memory."""

_NOTHING: Final = Position(0)


class SharedPublicLog:
    """A PublicLog. Whoever is far from the others follows the log alone until they have caught up."""

    def __init__(self, published: PublicLog) -> None:
        self._published = published
        self._together: _Together | None = None

    async def follow(self, after: Positions, types: Collection[str] = EVERY_TYPE) -> AsyncGenerator[PublicBatch, None]:
        place = dict(after)
        while True:
            together = self._join(place)
            batches = self._published.follow(place) if together is None else together.follow()
            async with aclosing(batches):
                async for batch in batches:
                    news = _news(batch, place, types)
                    place |= news.reached
                    if news.events or news.reached:
                        yield news
                    if together is None and batch.reached and self._join(place) is not None:
                        break
                else:
                    if together is None or together.ended:
                        return

    def _join(self, place: Positions) -> "_Together | None":
        """The others, if what they hear next follows on from a place."""
        if self._together is None or self._together.ended:
            self._together = _Together(self._published, place)
        return self._together if self._together.covers(place) else None


class _Kept(NamedTuple):
    number: int
    came_at: float
    batch: PublicBatch


class _Together:
    """One who follows, and hands on what comes to all others. It works while anybody listens."""

    def __init__(self, published: PublicLog, begins: Positions) -> None:
        self.ended = False
        self._published = published
        self._begins = dict(begins)
        """Nothing up to here is kept."""
        self._kept: deque[_Kept] = deque()
        self._events = 0
        self._next = 0
        self._error: Exception | None = None
        self._listeners: dict[object, int] = {}
        """The number of the batch that each hears next."""
        self._come, self._heard = asyncio.Event(), asyncio.Event()
        self._job: asyncio.Task[None] | None = None

    def covers(self, place: Positions) -> bool:
        """Whether all that comes after a place is kept, or will come."""
        return all(place.get(partition, _NOTHING) >= begin for partition, begin in self._begins.items())

    async def follow(self) -> AsyncGenerator[PublicBatch, None]:
        """All that is kept and all that comes. Ends with the log, and for whoever is too slow.

        Raises:
            Exception: what ended it for all.
        """
        listener = object()
        self._listeners[listener] = self._kept[0].number if self._kept else self._next
        if self._job is None:
            self._job = asyncio.create_task(self._run(), name="follow for several")
        try:
            while (kept := await self._hear(listener)) is not None:
                yield kept.batch
                self._move(listener, kept.number + 1)
        finally:
            del self._listeners[listener]
            self._drop_heard()
            if not self._listeners:
                self.ended = True
                self._job.cancel()

    async def _hear(self, listener: object) -> _Kept | None:
        """What a listener hears next. None: nothing more."""
        wanted = self._listeners[listener]
        while wanted == self._next and not self.ended:
            await self._come.wait()
        if wanted == self._next:
            if self._error is not None:
                raise self._error
            return None
        oldest = asyncio.get_running_loop().time() - KEPT_SECONDS
        while self._kept and self._kept[0].came_at < oldest:
            self._drop()
        index = wanted - (self._kept[0].number if self._kept else self._next)
        return self._kept[index] if index >= 0 else None

    def _move(self, listener: object, number: int) -> None:
        self._listeners[listener] = number
        self._drop_heard()

    def _drop_heard(self) -> None:
        """Forget what all have heard."""
        needed = min(self._listeners.values(), default=self._next)
        while self._kept and self._kept[0].number < needed:
            self._drop()
        self._heard.set()

    def _drop(self) -> None:
        gone = self._kept.popleft()
        self._events -= len(gone.batch.events)
        self._begins |= gone.batch.reached

    async def _run(self) -> None:
        try:
            pieces: list[CloudEvent] = []
            async with aclosing(self._published.follow(self._begins)) as batches:
                async for batch in batches:
                    pieces += batch.events
                    if batch.reached:  # Else more of the same look follows: whoever stops here would hear it again.
                        await self._take(PublicBatch(events=pieces, reached=batch.reached))
                        pieces = []
        except Exception as error:
            self._error = error
        finally:
            self.ended = True
            self._come.set()

    async def _take(self, batch: PublicBatch) -> None:
        self._kept.append(_Kept(self._next, asyncio.get_running_loop().time(), batch))
        self._events += len(batch.events)
        self._next += 1
        come, self._come = self._come, asyncio.Event()
        come.set()
        while self._events > KEPT_EVENTS_MAX and len(self._kept) > 1:
            await self._wait_for_slow()

    async def _wait_for_slow(self) -> None:
        """Until the slowest has moved on, and not for ever: then it follows alone."""
        self._heard.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._kept[0].came_at + KEPT_SECONDS):
                await self._heard.wait()
            return
        if self._kept:  # In the same moment all may have heard everything.
            self._drop()


def _news(batch: PublicBatch, place: Positions, types: Collection[str]) -> PublicBatch:
    """What of it is new to whoever has come to a place."""
    reached = {part: position for part, position in batch.reached.items() if position > place.get(part, _NOTHING)}
    return PublicBatch(events=_new_events(batch.events, place, types), reached=reached)


def _new_events(events: Sequence[CloudEvent], place: Positions, types: Collection[str]) -> list[CloudEvent]:
    new = []
    for event in events:
        if not types or event.type in types:
            partition, position = place_of(event)
            if position > place.get(partition, _NOTHING):
                new.append(event)
    return new
