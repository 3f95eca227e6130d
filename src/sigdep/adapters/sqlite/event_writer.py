"""Writes to the log: all that waits becomes one transaction, and everybody who waits for it is told at once.

Deciding and inserting happen in the event loop, 10 µs an event. With all of it in a thread, that thread and a busy
loop kept the interpreter from each other: half the throughput, and commits that took ten turns at the interpreter.
COMMIT waits for the disk. On one that is quick, waiting where we stand costs less than to hand over and back.
"""

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from sigdep.adapters.sqlite.driver import translated
from sigdep.adapters.sqlite.event_memory import EventMemory
from sigdep.adapters.sqlite.event_transaction import MisplacedTrust, Transaction
from sigdep.adapters.sqlite.log_end import Commit
from sigdep.kernel.codec import StoredEvent
from sigdep.kernel.errors import SigdepError, Unavailable
from sigdep.kernel.flushes import Flushes
from sigdep.kernel.ids import Positions
from sigdep.kernel.store import Append, Appended, Snapshot

COMMIT_EVENTS_MAX: Final = 512
"""Events in one commit. An append is never divided, so it may be more by one append."""
COMMIT_BYTES_MAX: Final = 1_048_576
WAITING_MAX: Final = 16_384
WAITING_BYTES_MAX: Final = 67_108_864

QUICK_COMMIT_SECONDS: Final = 0.0005
"""Commits that take less on average are waited for in the event loop."""
COMMITS_PER_PROBE: Final = 64
"""One of so many is waited for in the event loop however slow they are, to learn whether they still are."""

CHECKPOINT_BYTES: Final = 12_582_912
"""Of the write-ahead log, by our reckoning, after which it is copied into the main file."""
WAL_PAGES_MAX: Final = 16_000
"""Should the reckoning be wrong, SQLite itself copies at that size, in the middle of a COMMIT."""
BYTES_PER_COMMIT: Final = 40_960
BYTES_PER_EVENT: Final = 512
"""Beside the payload."""

BUSY_MILLISECONDS: Final = 100
"""Nobody else should be writing. Whoever does, keeps the whole event loop waiting for at most so long."""

Result = Appended | SigdepError | None


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1_000


class PendingAppend(Struct, gc=False):
    """An append that waits for its commit."""

    append: Append
    events: Sequence[StoredEvent]
    size: int
    written: "asyncio.Future[Any]"


class PendingSnapshot(Struct, gc=False):
    """A snapshot that waits for its commit."""

    snapshot: Snapshot
    sealed: bytes
    size: int
    written: "asyncio.Future[Any]"


Pending = PendingAppend | PendingSnapshot


class EventWriter:
    """Owns the connection that writes."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        committed: Callable[[Commit], None],
        clock_us: Callable[[], int] = now_us,
    ) -> None:
        """
        Args:
            committed: told when `heads` has moved, and those who waited for it know.
        """
        connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
        connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES_MAX}")
        self._connection = connection
        self._committed = committed
        self._clock_us = clock_us
        self._memory = EventMemory(connection)
        self.flushes = Flushes()
        self.heads: Positions = self._memory.heads
        """Of what has been committed."""
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "sigdep-event-commits")
        self._waiting: deque[Pending] = deque()
        self._waiting_bytes = 0
        self._flushing: asyncio.Task[None] | None = None
        self._commits = 0
        self._commit_seconds = 0.0
        """A moving average of those that were waited for in the event loop."""
        self._uncopied_bytes = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many wait for the next commit."""
        return len(self._waiting)

    def append(self, append: Append, events: Sequence[StoredEvent]) -> "asyncio.Future[Appended]":
        """Store the append together with whatever else waits.

        Raises, or gives to the future, what the port says of `append`.
        """
        size = sum([len(event.payload) for event in events])
        return self._enqueue(PendingAppend(append, events, size, self._loop.create_future()))

    def save_snapshot(self, snapshot: Snapshot, sealed: bytes) -> "asyncio.Future[None]":
        return self._enqueue(PendingSnapshot(snapshot, sealed, len(sealed), self._loop.create_future()))

    async def close(self) -> None:
        """Write what waits, and let go of the connection. Safe to repeat."""
        self._closed = True
        if self._flushing is not None:
            await asyncio.shield(self._flushing)
        await asyncio.to_thread(self._connection.close)
        self._thread.shutdown(wait=False)

    def _enqueue(self, pending: Pending) -> "asyncio.Future[Any]":
        if self._closed:
            raise Unavailable("The event store has been closed.")
        waiting = self._waiting
        if waiting and (len(waiting) >= WAITING_MAX or self._waiting_bytes + pending.size > WAITING_BYTES_MAX):
            raise Unavailable("More waits to be written than this machine keeps up with. Try again soon.")
        waiting.append(pending)
        self._waiting_bytes += pending.size
        if self._flushing is None:
            # It begins at the loop's next turn: whoever else comes in this one goes with the first commit.
            self._flushing = self._loop.create_task(self._flush())
        return pending.written

    async def _flush(self) -> None:
        """Commit all that waits, and what comes meanwhile: no timer, the next commit follows the last."""
        try:
            while self._waiting:
                await self._store(self._take())
                if self._uncopied_bytes > CHECKPOINT_BYTES:
                    await self._checkpoint()
                # The others' turn. Those who have just been told may have more, which goes with the next commit.
                await asyncio.sleep(0)
        finally:
            self._flushing = None

    def _take(self) -> Sequence[Pending]:
        batch: list[Pending] = []
        events = size = 0
        while self._waiting and events < COMMIT_EVENTS_MAX and size < COMMIT_BYTES_MAX:
            pending = self._waiting.popleft()
            batch.append(pending)
            events += (isinstance(pending, PendingAppend) and len(pending.events)) or 1
            size += pending.size
        self._waiting_bytes -= size
        return batch

    async def _store(self, batch: Sequence[Pending]) -> None:
        """Commit the batch. Where that fails, its halves, until only what cannot be stored has failed."""
        begun = time.perf_counter()
        try:
            transaction, results = self._run(batch)
            await self._commit()
        except Exception as error:  # Anything: whoever waits must be told.
            self._roll_back()
            if len(batch) == 1:
                ours = translated("Writing to the log", error) if isinstance(error, sqlite3.Error) else error
                _tell(batch[0].written, ours)
                return
            middle = len(batch) // 2
            await self._store(batch[:middle])
            await self._store(batch[middle:])
            return
        self._count(batch, time.perf_counter() - begun)
        self._uncopied_bytes += BYTES_PER_COMMIT + sum([BYTES_PER_EVENT + pending.size for pending in batch])
        commit = transaction.committed(self.heads)
        self.heads = commit.after
        for pending, result in zip(batch, results, strict=True):
            _tell(pending.written, result)
        if commit.size:
            self._committed(commit)

    def _count(self, batch: Sequence[Pending], seconds: float) -> None:
        appends = [len(pending.events) for pending in batch if isinstance(pending, PendingAppend)]
        if appends:
            self.flushes.add(len(appends), sum(appends), seconds)

    def _run(self, batch: Sequence[Pending]) -> tuple[Transaction, Sequence[Result]]:
        """Everything of a transaction but its COMMIT."""
        try:
            return self._attempt(batch, trusting=True)
        except (sqlite3.IntegrityError, MisplacedTrust):
            self._roll_back()
            return self._attempt(batch, trusting=False)

    def _attempt(self, batch: Sequence[Pending], *, trusting: bool) -> tuple[Transaction, Sequence[Result]]:
        self._connection.execute("BEGIN IMMEDIATE")
        appends = [(pending.append, pending.events) for pending in batch if isinstance(pending, PendingAppend)]
        transaction = Transaction(self._connection, self._memory, appends, self._clock_us(), trusting=trusting)
        results: list[Result] = []
        for pending in batch:
            if isinstance(pending, PendingAppend):
                results.append(transaction.decide(pending.append, pending.events))
            else:
                transaction.save_snapshot(pending.snapshot, pending.sealed)
                results.append(None)
        transaction.write()
        return transaction, results

    async def _commit(self) -> None:
        self._commits += 1
        if self._commit_seconds > QUICK_COMMIT_SECONDS and self._commits % COMMITS_PER_PROBE:
            await self._loop.run_in_executor(self._thread, self._connection.execute, "COMMIT")
            return
        begun = time.perf_counter()
        self._connection.execute("COMMIT")
        # One that was held up by something else must not weigh more than a slow one.
        took = min(time.perf_counter() - begun, 4 * QUICK_COMMIT_SECONDS)
        self._commit_seconds += (took - self._commit_seconds) / 8

    async def _checkpoint(self) -> None:
        """Copy the write-ahead log into the main file, so that the next commit begins it anew. Never in a COMMIT."""
        self._uncopied_bytes = 0
        with suppress(sqlite3.Error):  # It is tried again; meanwhile SQLite lets the log grow.
            await self._loop.run_in_executor(self._thread, self._connection.execute, "PRAGMA wal_checkpoint(PASSIVE)")

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:  # SQLite itself rolls back on some errors.
                self._connection.execute("ROLLBACK")


def _tell(written: "asyncio.Future[Any]", result: Result | Exception) -> None:
    if written.done():
        return  # Whoever waited has been cancelled, and hears of it no more.
    if isinstance(result, Exception):
        written.set_exception(result)
    else:
        written.set_result(result)
