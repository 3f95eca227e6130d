"""The one thread that writes to the log: takes all that waits, stores it as one commit, tells everybody at once."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final

from sigdep.adapters.sqlite.driver import translated
from sigdep.adapters.sqlite.event_transaction import Remembered, Transaction
from sigdep.kernel.codec import StoredEvent
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.store import Append, Appended

FLUSH_EVENTS_MAX: Final = 512
"""Events in one commit. An append is never divided, so it may be more by one append."""
FLUSH_BYTES_MAX: Final = 4_194_304
QUEUE_APPENDS_MAX: Final = 16_384
QUEUE_BYTES_MAX: Final = 67_108_864

DOING: Final = "Writing to the log"


class Pending:
    """An append that waits for its commit."""

    __slots__ = ("append", "events", "size", "written")

    def __init__(
        self, append: Append, events: Sequence[StoredEvent], size: int, written: "asyncio.Future[Appended]"
    ) -> None:
        self.append, self.events, self.size, self.written = append, events, size, written


class Job:
    """Some other change, in a transaction of its own."""

    __slots__ = ("done", "statement", "values")

    def __init__(self, statement: str, values: Sequence[Any], done: "asyncio.Future[None]") -> None:
        self.statement, self.values, self.done = statement, values, done


class EventWriter:
    """Owns the connection that writes. Its methods are for the event loop; what runs in the thread is below."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        committed: Callable[[], None],
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        """
        Args:
            committed: called in the event loop when `heads` has moved.
        """
        self._connection = connection
        self._committed = committed
        self._clock_us = clock_us
        self._remembered = Remembered.from_log(connection)
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Pending | Job | None] = SimpleQueue()
        self._waiting = 0
        self._waiting_bytes = 0
        self._closed = False
        self._ended = self._loop.create_future()
        self._heads = {partition: Position(head.position) for partition, head in self._remembered.heads.items()}
        self._thread = Thread(target=self._run, name="sigdep-event-writer", daemon=True)
        self._thread.start()

    @property
    def heads(self) -> Mapping[Partition, Position]:
        """Of what has been committed and told."""
        return self._heads

    async def write(self, append: Append, events: Sequence[StoredEvent]) -> Appended:
        """Store the append together with whatever else waits.

        Raises what the port says of `append`.
        """
        size = sum([len(event.payload) for event in events])
        if self._waiting and (self._waiting >= QUEUE_APPENDS_MAX or self._waiting_bytes + size > QUEUE_BYTES_MAX):
            raise Unavailable("More is waiting to be written than this machine keeps up with. Try again soon.")
        self._check_open()
        self._waiting += 1
        self._waiting_bytes += size
        written: asyncio.Future[Appended] = self._loop.create_future()
        self._queue.put(Pending(append, events, size, written))
        return await written

    async def execute(self, statement: str, values: Sequence[Any]) -> None:
        """Run one statement as a transaction of its own."""
        self._check_open()
        done: asyncio.Future[None] = self._loop.create_future()
        self._queue.put(Job(statement, values, done))
        await done

    async def close(self) -> None:
        """Write what waits, and end. Safe to repeat."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.shield(self._ended)

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The event store has been closed.")

    def _tell(self, batch: Sequence[Pending], results: Sequence[Appended | Exception], heads: Positions) -> None:
        """Once for each batch: waking the loop costs more than all that is done here."""
        self._waiting -= len(batch)
        for pending, result in zip(batch, results, strict=True):
            self._waiting_bytes -= pending.size
            if pending.written.done():
                continue  # Whoever asked has been cancelled, and hears of it no more.
            if isinstance(result, Exception):
                pending.written.set_exception(result)
            else:
                pending.written.set_result(result)
        if heads:
            self._heads.update(heads)
            self._committed()

    # From here on: the thread.

    def _run(self) -> None:
        more = True
        while more:
            batch, jobs, more = self._take()
            if batch:
                self._store(batch)
            for job in jobs:
                self._do(job)
        self._connection.close()
        self._call(self._ended.set_result, None)

    def _take(self) -> tuple[list[Pending], list[Job], bool]:
        """Wait for something, then take all that waits, within the limits. False: nothing will come after it."""
        batch: list[Pending] = []
        jobs: list[Job] = []
        events = size = 0
        item = self._queue.get()
        while item is not None:
            if isinstance(item, Pending):
                batch.append(item)
                events += len(item.events)
                size += item.size
            else:
                jobs.append(item)
            if max(events, len(batch) + len(jobs)) >= FLUSH_EVENTS_MAX or size >= FLUSH_BYTES_MAX:
                return batch, jobs, True
            try:
                item = self._queue.get_nowait()
            except Empty:
                return batch, jobs, True
        return batch, jobs, False

    def _store(self, batch: Sequence[Pending]) -> None:
        """Commit the batch. Where that fails, its halves, until only what cannot be stored has failed."""
        try:
            results, heads = self._commit(batch)
        except Exception as error:  # Anything: whoever waits must be told.
            if len(batch) > 1:
                middle = len(batch) // 2
                self._store(batch[:middle])
                self._store(batch[middle:])
                return
            results, heads = [_as_ours(error)], {}
        self._call(self._tell, batch, results, heads)

    def _commit(self, batch: Sequence[Pending]) -> tuple[Sequence[Appended | Exception], Positions]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            changes = [(pending.append, pending.events) for pending in batch]
            transaction = Transaction(connection, self._remembered, changes, self._clock_us())
            results = [transaction.decide(append, events) for append, events in changes]
            transaction.finish()
            connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        self._remembered.add(transaction)
        return results, {partition: Position(head.position) for partition, head in transaction.heads.items()}

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # SQLite itself rolls back on some errors.
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _do(self, job: Job) -> None:
        try:
            self._connection.execute(job.statement, job.values)
        except Exception as error:
            self._call(_fail, job.done, _as_ours(error))
        else:
            self._call(_succeed, job.done)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # The loop has been closed before the store: nobody is left to tell.
            self._loop.call_soon_threadsafe(callback, *arguments)


def _as_ours(error: Exception) -> Exception:
    return translated(DOING, error) if isinstance(error, sqlite3.Error) else error


def _succeed(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)


def _fail(done: "asyncio.Future[None]", error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
