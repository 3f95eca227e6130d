"""The log on PostgreSQL as it is stored, for whoever passes it on without a key."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Final

from sigdep.adapters.postgres.bell import Bell
from sigdep.adapters.postgres.reader import Reader
from sigdep.adapters.shared_reads import SharedReads
from sigdep.kernel.chain import StoredRow
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import PARTITIONS, Positions, StreamId, Version
from sigdep.kernel.store import READ_EVENTS_MAX

POLL_SECONDS_MIN: Final = 0.05
POLL_SECONDS_MAX: Final = 0.5
"""While nothing rings the bell, a follower that finds nothing looks again after these, doubled each time."""

DOUBT_SECONDS: Final = 1.0
"""While something does, it looks again after so long: a connection may be lost without a word."""

FITS_MAX: Final = READ_EVENTS_MAX // PARTITIONS
"""Fewer rows than that are all there were: each partition may have so many of those that are read at once."""


class PostgresSealedLog:
    """A SealedLog. Its reader and its bell belong to the store, which closes them."""

    def __init__(self, reader: Reader, bell: Bell) -> None:
        self._reader = reader
        self._bell = bell
        self._shared = SharedReads(self._next)
        self._closed = False

    async def heads(self) -> Positions:
        self._check_open()
        return await self._reader.heads()

    async def stream_rows(self, stream: StreamId, after: Version, until: Version | None) -> Sequence[StoredRow]:
        self._check_open()
        return await self._reader.stream(stream, after, until)

    async def next_rows(self, after: Positions, limit: int) -> Sequence[StoredRow]:
        self._check_open()
        return await self._reader.next_rows(after, limit)

    async def follow_rows(self, after: Positions) -> AsyncGenerator[Sequence[StoredRow], None]:
        reached, pause = dict(after), POLL_SECONDS_MIN
        while not self._closed:
            ring = self._bell.next_ring()
            try:
                rows, is_of_now = await self._shared.tell(reached)
            except Unavailable:
                if self._closed:
                    return
                raise
            if rows:
                reached |= {row.partition: row.position for row in rows}
                pause = POLL_SECONDS_MIN
                yield rows
            if is_of_now and len(rows) < FITS_MAX:  # What came since has rung.
                # No `wait_for`: before Python 3.12 it loses a cancellation that comes with what it waits for.
                with suppress(TimeoutError):
                    async with asyncio.timeout(DOUBT_SECONDS if self._bell.hears else pause):
                        await ring.wait()
                pause = min(pause * 2, POLL_SECONDS_MAX)

    async def _next(self, after: Positions) -> Sequence[StoredRow]:
        return await self._reader.next_rows(after, READ_EVENTS_MAX)

    async def close(self) -> None:
        self._closed = True
        self._bell.ring()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The event store has been closed.")
