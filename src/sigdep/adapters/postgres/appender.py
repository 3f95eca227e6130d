"""The one task of a process that writes to a log: all that waits goes into the next transaction together."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from sigdep.adapters.postgres.batch import Batch, call
from sigdep.adapters.postgres.connecting import Connection, Patience, connect
from sigdep.adapters.postgres.errors import Away, NotStorable, OutOfOrder, Taken, translated
from sigdep.adapters.postgres.waiting import Queue, Waiting
from sigdep.kernel.codec import StoredEvent
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.flushes import Flushes
from sigdep.kernel.store import Append, Appended

STATEMENT_MS_MAX: Final = 2_000
LOCK_MS_MAX: Final = 1_000
"""A batch holds up all others of its partitions: it ends in time, whatever becomes of this process."""

RACES_MAX: Final = 3
"""A batch that finds the place of an event taken is sent again so often: then it sees what has been faster."""

COMMAND_SECONDS_MAX: Final = 5.0
"""A server that has not answered a batch by then is gone, and the connection with it."""


class Appender:
    """Sends a batch as soon as the one before has been answered: no timer, and one alone does not wait.

    A batch whose outcome is unknown is sent again as it was. By the command ids in it the database knows what it
    has stored already.
    """

    def __init__(self, dsn: str, schema: str) -> None:
        self.flushes = Flushes()
        self._dsn = dsn
        self._call = call(schema)
        self._connection: Connection | None = None
        self._statement: PreparedStatement[asyncpg.Record] | None = None
        self._patience = Patience()
        self._queue = Queue()
        self._work = asyncio.Event()
        self._closing = False
        self._job = asyncio.create_task(self._run(), name=f"append to {schema}")

    @property
    def waiting(self) -> int:
        """How many wait for the next batch."""
        return len(self._queue)

    async def append(self, append: Append, events: Sequence[StoredEvent]) -> Appended:
        """Raises what the port says, and KeyUsed."""
        if self._closing:
            raise Unavailable("The event store has been closed.")
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._queue.put(Waiting(append, events, future))
        self._work.set()
        return await future

    async def close(self) -> None:
        """Finish what was accepted. Safe to repeat."""
        self._closing = True
        self._work.set()
        await asyncio.shield(self._job)

    async def _run(self) -> None:
        while self._queue or not self._closing:
            await self._work.wait()
            requests = self._queue.take()
            if requests:
                await self._store(requests)
            elif not self._closing:
                self._work.clear()
        await self._disconnect()

    async def _store(self, requests: Sequence[Waiting]) -> None:
        """Store a batch and tell each request what has become of it. Raises nothing: this task must go on."""
        batch = Batch(requests)
        begun = time.perf_counter()
        try:
            row = await self._send(batch.arguments())
            self.flushes.add(len(batch.requests), len(batch.events), time.perf_counter() - begun)
            for request, answer in zip(batch.requests, batch.answers(row), strict=True):
                _tell(request, answer)
        except NotStorable as error:
            # One of them is at fault: halve until it stands alone.
            if len(requests) == 1:
                _tell(requests[0], _out_of_order() if isinstance(error, Taken) else error)
            else:
                await self._store(requests[: len(requests) // 2])
                await self._store(requests[len(requests) // 2 :])
        except Exception as error:  # Those who wait must hear of a bug, too.
            for request in requests:
                _tell(request, error)

    async def _send(self, arguments: tuple[Any, ...]) -> asyncpg.Record:
        """Call the database's function until it has answered.

        Two processes that write one new stream into two partitions do not wait for each other's counter: the slower
        one finds its place taken, and when it comes again, the version of the stream.

        Raises:
            NotStorable: it refuses the data.
            Unavailable: it has been away too long, or is out of order.
        """
        races = 0
        while True:  # Patience ends, and so do races.
            try:
                statement = self._statement or await self._connect()
                with translated():
                    row = await statement.fetchrow(*arguments)
                self._patience.answered()
                assert row is not None  # A function with OUT parameters gives one row.
                return row
            except Taken:
                races += 1
                if races > RACES_MAX:
                    raise
            except Away as error:
                await self._disconnect()
                await self._patience.wait(error)

    async def _connect(self) -> "PreparedStatement[asyncpg.Record]":
        self._connection = await connect(
            self._dsn,
            "sigdep append",
            command_seconds=COMMAND_SECONDS_MAX,
            statement_timeout=str(STATEMENT_MS_MAX),
            lock_timeout=str(LOCK_MS_MAX),
            # Whatever is the default here: what we have answered is on the disk.
            synchronous_commit="on",
        )
        with translated():
            self._statement = await self._connection.prepare(self._call)
        return self._statement

    async def _disconnect(self) -> None:
        connection, self._connection, self._statement = self._connection, None, None
        if connection is not None:
            connection.terminate()


def _out_of_order() -> OutOfOrder:
    return OutOfOrder("The log has something where the next event belongs. Its operator must look: sigdep verify.")


def _tell(request: Waiting, answer: Appended | Exception) -> None:
    if request.future.done():
        return  # Whoever asked has gone.
    if isinstance(answer, Exception):
        request.future.set_exception(answer)
    else:
        request.future.set_result(answer)
