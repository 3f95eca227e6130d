"""The appends that wait for the next transaction, and which of them may share it."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sigdep.kernel.codec import StoredEvent
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import StreamId, partition_of
from sigdep.kernel.store import Append, Appended, EventTooLarge

WAITING_APPENDS_MAX: Final = 10_000
WAITING_BYTES_MAX: Final = 268_435_456
"""More appends or bytes than these are refused at once: a queue that only grows helps nobody."""

APPEND_BYTES_MAX: Final = 33_554_432
"""Of one append. More would not be written within the time that a statement has."""

BATCH_EVENTS_MAX: Final = 512
BATCH_BYTES_MAX: Final = 1_048_576
"""A batch is closed when it has reached either. One append alone may be larger than both."""

SCANNED_APPENDS_MAX: Final = 2_048
"""Where nearly all that waits wants the same stream, looking further for others costs more than it brings."""

RETRY_AFTER_SECONDS: Final = 1.0

Touched = StreamId | tuple[UUID, str]
"""What an append changes: a stream, or the answer to a caller's idempotency key."""


class Waiting:
    """An append that waits for its place in the log."""

    __slots__ = ("append", "events", "future", "partition", "size", "touches")

    def __init__(self, append: Append, events: Sequence[StoredEvent], future: "asyncio.Future[Appended]") -> None:
        self.append = append
        self.events = events
        self.future = future
        self.partition = partition_of(append.workspace)
        self.size = sum([len(event.payload) for event in events])
        self.touches: list[Touched] = [write.stream for write in append.writes]
        if append.answer is not None:
            self.touches.append((append.answer.caller, append.answer.key))


class Queue:
    """First come, first served, except that two appends which touch the same thing never share a batch.

    The function in the database judges all of a batch by what was there before it.
    """

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, waiting: Waiting) -> None:
        """
        Raises:
            EventTooLarge: the append has more than APPEND_BYTES_MAX.
            Unavailable: the queue is full.
        """
        if waiting.size > APPEND_BYTES_MAX:
            raise EventTooLarge(f"One append takes at most {APPEND_BYTES_MAX:,} bytes; this one has {waiting.size:,}.")
        if len(self._waiting) >= WAITING_APPENDS_MAX or self._bytes >= WAITING_BYTES_MAX:
            raise Unavailable("The event store has more to write than it can. Please try again.", RETRY_AFTER_SECONDS)
        self._waiting.append(waiting)
        self._bytes += waiting.size

    def take(self) -> list[Waiting]:
        """The next batch, removed from the queue. Empty when nothing waits."""
        taken: list[Waiting] = []
        held: list[Waiting] = []
        touched: set[Touched] = set()
        guarded: set[Touched] = set()
        events = size = scanned = 0
        for waiting in self._waiting:
            if events >= BATCH_EVENTS_MAX or size >= BATCH_BYTES_MAX or scanned == SCANNED_APPENDS_MAX:
                break
            scanned += 1
            touches, guards = waiting.touches, waiting.append.unchanged
            if touched.isdisjoint(touches) and guarded.isdisjoint(touches) and touched.isdisjoint(guards):
                taken.append(waiting)
                events += max(1, len(waiting.events))
                size += waiting.size
            else:
                held.append(waiting)
            # Those held back count too: nobody who comes later overtakes them.
            touched.update(touches)
            guarded.update(guards)
        self._waiting[:scanned] = held
        self._bytes -= size
        return taken
