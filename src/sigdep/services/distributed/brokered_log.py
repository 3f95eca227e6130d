"""A log that another service keeps, followed by way of the broker.

The broker is quick and may forget; the log is asked and does not. A row from the broker is taken if a relay has signed
it and it is the next one of its partition. Whenever one is missing or is not signed, and every second to be sure, the
log itself says what there is.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

import structlog

from sigdep.kernel.broker import Broker, BrokerPosition, Delivery, PositionLost
from sigdep.kernel.chain import StoredRow
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import PARTITIONS, Partition, Position, Positions, StreamId, Version
from sigdep.kernel.sealed_log import SealedLog
from sigdep.kernel.signed_rows import NotSigned, SignedRows
from sigdep.kernel.store import READ_EVENTS_MAX

WAITING_BATCHES_MAX: Final = 8
"""Batches of the broker that wait to be taken, all partitions together."""

LOOK_SECONDS: Final = 1.0
"""How often the log is asked whether the broker has kept something from us."""

RETRY_SECONDS: Final = 1.0
"""Between attempts to read a broker that is away or fails. Meanwhile the log is asked, every LOOK_SECONDS."""

SAID_SECONDS: Final = 10.0
"""That somebody else writes into the broker is logged no more often: whoever does so must not fill the disk."""

_log = structlog.get_logger("sigdep.followers")

_Arrived = Sequence[StoredRow] | None
"""Rows of one partition; None: it is time to look at the log."""


class BrokeredLog:
    """A SealedLog. Broker and log belong to whoever opened them."""

    def __init__(self, topic: str, log: SealedLog, broker: Broker, key: bytes) -> None:
        """
        Args:
            key: by which relays sign.
        """
        self._topic = topic
        self._log = log
        self._broker = broker
        self._signed = SignedRows(key, topic)
        self._said_at = -SAID_SECONDS
        self._said = set[type[Exception]]()

    async def heads(self) -> Positions:
        return await self._log.heads()

    async def stream_rows(self, stream: StreamId, after: Version, until: Version | None) -> Sequence[StoredRow]:
        return await self._log.stream_rows(stream, after, until)

    async def next_rows(self, after: Positions, limit: int) -> Sequence[StoredRow]:
        return await self._log.next_rows(after, limit)

    async def follow_rows(self, after: Positions) -> AsyncGenerator[Sequence[StoredRow], None]:
        reached = dict(after)
        arrived: asyncio.Queue[_Arrived] = asyncio.Queue(WAITING_BATCHES_MAX)
        jobs = [
            asyncio.create_task(self._read(Partition(number), arrived), name=f"{self._topic} {number}")
            for number in range(PARTITIONS)
        ]
        jobs.append(asyncio.create_task(_look(arrived), name=f"{self._topic} looks"))
        try:
            ask = True
            while True:
                # What was stored before the broker was asked, or has been lost on the way.
                while ask and (stored := await self._log.next_rows(reached, READ_EVENTS_MAX)):
                    reached |= {row.partition: row.position for row in stored}
                    yield stored
                rows, ask = await _next(arrived, reached)
                if rows:
                    yield rows
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def _read(self, partition: Partition, arrived: asyncio.Queue[_Arrived]) -> None:
        """For ever, whatever the broker does: a reader that ended would leave its partition to the clock."""
        after: BrokerPosition | None = None
        known, lost = False, False
        while True:
            try:
                if not known:
                    after, known = await self._broker.last(self._topic, partition), True
                    await arrived.put(None)
                async with aclosing(self._broker.read(self._topic, partition, after)) as batches:
                    async for batch in batches:
                        for rows in self._believed(partition, batch):
                            await arrived.put(rows)
                        after, lost = batch[-1].position, False
            except PositionLost:
                if lost:  # As soon as it was found: what stands there last cannot be gone on from.
                    await asyncio.sleep(RETRY_SECONDS)
                known, lost = False, True
            except Unavailable as error:
                _log.warning("broker is away", topic=self._topic, partition=partition, reason=error.detail)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception as error:
                self._failed(partition, error)
                known = False
                await asyncio.sleep(RETRY_SECONDS)

    def _believed(self, partition: Partition, batch: Sequence[Delivery]) -> list[_Arrived]:
        """The rows that are signed; and a look at the log, if anything is not."""
        rows = list[StoredRow]()
        strangers = 0
        for delivery in batch:
            try:
                rows += self._signed.decode(delivery.message.body)
            except NotSigned:
                strangers += 1
        if not strangers:
            return [rows]
        now = asyncio.get_running_loop().time()
        if now - self._said_at >= SAID_SECONDS:
            self._said_at = now
            _log.error(
                "the broker holds what no relay has signed; it is passed over, and the log is read instead",
                topic=self._topic,
                partition=partition,
                messages=strangers,
            )
        return [rows, None]

    def _failed(self, partition: Partition, error: Exception) -> None:
        """Log what nobody has foreseen: each kind once with its traceback, for it comes again every RETRY_SECONDS."""
        is_new = type(error) not in self._said
        self._said.add(type(error))
        _log.error(
            "broker cannot be read, which is a bug",
            topic=self._topic,
            partition=partition,
            error=type(error).__name__,
            exc_info=error if is_new else None,
        )

    async def close(self) -> None:
        await self._log.close()


async def _look(arrived: asyncio.Queue[_Arrived]) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await arrived.put(None)


async def _next(arrived: asyncio.Queue[_Arrived], reached: dict[Partition, Position]) -> tuple[list[StoredRow], bool]:
    """What has arrived and follows on what was reached, which moves on; and whether the log is to be asked."""
    rows: list[StoredRow] = []
    ask = False
    waiting = await arrived.get()
    while True:
        ask |= waiting is None or not _take(waiting, reached, rows)
        if arrived.empty() or len(rows) >= READ_EVENTS_MAX:
            return rows, ask
        waiting = arrived.get_nowait()


def _take(waiting: Sequence[StoredRow], reached: dict[Partition, Position], rows: list[StoredRow]) -> bool:
    """Add what is new. False: something before it is missing."""
    for row in waiting:
        before = reached.get(row.partition, Position(0))
        if row.position > before + 1:
            return False
        if row.position == before + 1:
            reached[row.partition] = row.position
            rows.append(row)
    return True
