"""Tells the broker what a log holds: publishes every row, sealed as it is, in the order of its partition.

Nothing is remembered: after a start it goes on from where each partition of the broker ends, and the broker takes
nothing twice. So any number of relays of one log may run at once, and a broker that comes back empty is told of what
is new; whoever misses something older reads the log.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Final

import structlog

from sigdep.kernel.broker import (
    MESSAGE_BYTES_MAX,
    PUBLISH_BYTES_MAX,
    PUBLISH_MESSAGES_MAX,
    Broker,
    Message,
    log_position,
)
from sigdep.kernel.chain import StoredRow
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.sealed_log import SealedLog
from sigdep.kernel.signed_rows import ROWS, SignedRows
from sigdep.rpc.passports import Passports

PAUSE_SECONDS: Final = 0.2
PAUSE_SECONDS_MAX: Final = 5.0
"""Between attempts while the log or the broker is away: the first, doubled each time, and the longest."""

_log = structlog.get_logger("sigdep.relay")


class Relay:
    def __init__(self, topic: str, log: SealedLog, broker: Broker, key: bytes) -> None:
        """
        Args:
            key: by which followers see that it was a relay that told the broker.
        """
        self.topic = topic
        self.state = "starting"
        self.positions: Positions | None = None
        """How far the broker has been told. None: it has not begun."""
        self.log = log
        self._broker = broker
        self._signed = SignedRows(key, topic)

    def fault(self) -> str | None:
        """What is wrong. None: nothing."""
        return None if self.state == "live" else f"It is {self.state}."

    async def run(self) -> None:
        """Until cancelled, or until the log is closed."""
        pause = PAUSE_SECONDS
        while True:
            try:
                await self._follow()
                return
            except Unavailable as error:
                if self.state == "live":
                    pause = PAUSE_SECONDS
                self.state = f"waiting: {error.detail}"
                _log.warning("relay waits", topic=self.topic, reason=error.detail)
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_SECONDS_MAX)

    async def _follow(self) -> None:
        reached = await self._reached()
        self.state, self.positions = "live", reached
        async with aclosing(self.log.follow_rows(dict(reached))) as batches:
            async for rows in batches:
                for batch in messages_of(rows, reached, self._signed):
                    await self._broker.publish(self.topic, batch)
                reached |= {row.partition: row.position for row in rows}

    async def _reached(self) -> dict[Partition, Position]:
        """Where the broker ends in each partition; where it holds nothing, where the log ends now."""
        heads = await self.log.heads()
        ends = await asyncio.gather(*(self._broker.last(self.topic, partition) for partition in heads))
        return {
            partition: head if end is None else log_position(end)
            for (partition, head), end in zip(heads.items(), ends, strict=True)
        }


def messages_of(
    rows: Sequence[StoredRow], reached: Mapping[Partition, Position], signed: SignedRows
) -> list[list[Message]]:
    """Batches that the broker takes. A row over its limit is left out: the next one shows the gap, and is read up."""
    before = dict(reached)
    batches: list[list[Message]] = [[]]
    size = 0
    for row in rows:
        body = signed.encode([row])
        if len(body) > MESSAGE_BYTES_MAX:
            before[row.partition] = row.position
            continue
        if len(batches[-1]) == PUBLISH_MESSAGES_MAX or size + len(body) > PUBLISH_BYTES_MAX:
            batches.append([])
            size = 0
        follows = before.get(row.partition, Position(0))
        before[row.partition] = row.position
        size += len(body)
        batches[-1].append(
            Message(
                id=f"{row.partition}-{row.position}",
                partition=row.partition,
                position=row.position,
                follows=follows,
                key=row.stream,
                body=body,
            )
        )
    return [batch for batch in batches if batch]


def open_relay(topic: str, log: SealedLog, broker: Broker | None, passports: Passports) -> Relay | None:
    """None: there is no broker to tell."""
    return None if broker is None else Relay(topic, log, broker, passports.derive_key(ROWS))
