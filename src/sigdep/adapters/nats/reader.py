"""Reads one partition, over one connection, by a consumer that nobody acknowledges to.

A consumer that is acknowledged to would give what was under way at a crash again, after what came later. This one
begins behind the reader's own position, gives each message once, and ends with its reader.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec
from msgspec import Struct
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from sigdep.adapters.nats.connecting import Connection
from sigdep.adapters.nats.errors import NO_SUCH_STREAM, Refused, translated
from sigdep.adapters.nats.streams import Topics, delivery
from sigdep.adapters.outages import Away
from sigdep.kernel.broker import READ_BYTES_MAX, READ_MESSAGES_MAX, Bookmark, Delivery, PositionLost
from sigdep.kernel.ids import Partition, Position

PULL_SECONDS: Final = 30
"""How long the server holds a request for messages open."""

HEARTBEAT_SECONDS: Final = 5
"""How often it says meanwhile that it is still there."""

INACTIVE_SECONDS: Final = 60
"""A consumer that nobody pulls from is removed by the server after so long."""

HEARTBEAT, PULLED = "100", ("404", "408")
"""Statuses: nothing to say; the request is over, for want of messages or of time."""

FULL: Final = "MaxBytes"
"""In the status that says that a request is over because the next message is too much for it."""

COMPLETED: Final = "Batch Completed"
"""In the status that follows on the last message of a request: as many as were asked for have been sent."""

SECOND_NS: Final = 1_000_000_000


class _Created(Struct, frozen=True):
    name: str


class _Gone:
    """In the place of a message: the connection is lost."""


class PartitionReader:
    """Pulls a batch at a time. The next one is asked for when the last has been taken: the reader sets the pace."""

    def __init__(self, connection: Connection, topics: Topics, topic: str, partition: Partition) -> None:
        self._connection, self._topics = connection, topics
        self._topic, self._partition = topic, partition
        self._arrived: asyncio.Queue[Msg | _Gone] = asyncio.Queue()  # Bounded by what is pulled.
        self._inbox = connection.client.new_inbox()
        self._consumer = ""
        self._consumed = 0
        self._subscription: Subscription | None = None
        self._watching: asyncio.Task[None] | None = None

    async def batches(self, after: Bookmark | None) -> AsyncGenerator[Sequence[Delivery], None]:
        """
        Raises:
            PositionLost: the message at `after` is not there any more.
            Away: the connection or the consumer is gone.
        """
        await self._open(after)
        while True:
            await self._pull()
            pulled, over = 0, False
            while not over:
                taken, over = await self._take(READ_MESSAGES_MAX - pulled)
                pulled += len(taken)
                batch = [delivery for delivery in taken if delivery is not None]
                if batch:
                    yield batch

    async def close(self) -> None:
        """Remove the consumer, without waiting for it: the server would do so by itself."""
        if self._watching is not None:
            self._watching.cancel()
        if self._subscription is None or self._connection.lost.is_set():
            return
        with translated():
            await self._subscription.unsubscribe()
        if self._consumer:
            await self._connection.tell(f"$JS.API.CONSUMER.DELETE.{self._stream}.{self._consumer}", b"")

    @property
    def _stream(self) -> str:
        return self._topics.stream(self._topic)

    async def _open(self, after: Bookmark | None) -> None:
        if after is not None:
            await self._check_kept(after)
        with translated():
            self._subscription = await self._connection.client.subscribe(self._inbox, cb=self._arrive)
        self._watching = asyncio.create_task(self._watch(), name=f"watch the connection of {self._stream}")
        self._consumer = uuid4().hex
        question = {"stream_name": self._stream, "config": self._configuration(after), "action": "create"}
        subject = (
            f"CONSUMER.CREATE.{self._stream}.{self._consumer}.{self._topics.subject(self._topic, self._partition)}"
        )
        try:
            await self._connection.ask(subject, question, _Created)
        except Refused as refused:
            if refused.error.err_code == NO_SUCH_STREAM:
                await self._topics.make(self._connection, self._topic)
                raise Away("The stream was not there yet.") from refused
            raise refused.unavailable() from refused

    async def _check_kept(self, after: Bookmark) -> None:
        found = await self._topics.at(self._connection, self._topic, int(after.place))
        if found is None or (found.position or Position(0)) != after.position:
            raise PositionLost(f"The message at {after.position} is gone.")

    def _configuration(self, after: Bookmark | None) -> dict[str, Any]:
        start = {"deliver_policy": "all"}
        if after is not None:
            start = {"deliver_policy": "by_start_sequence", "opt_start_seq": int(after.place) + 1}  # type: ignore[dict-item]
        return {
            "name": self._consumer,
            "ack_policy": "none",
            "replay_policy": "instant",
            "filter_subject": self._topics.subject(self._topic, self._partition),
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": INACTIVE_SECONDS * SECOND_NS,
            **start,
        }

    async def _pull(self) -> None:
        question = {
            "batch": READ_MESSAGES_MAX,
            "max_bytes": READ_BYTES_MAX,
            "expires": PULL_SECONDS * SECOND_NS,
            "idle_heartbeat": HEARTBEAT_SECONDS * SECOND_NS,
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}"
        await self._connection.tell(subject, msgspec.json.encode(question), reply=self._inbox)

    async def _take(self, wanted: int) -> tuple[list[Delivery | None], bool]:
        """What has arrived, once there is something, and whether the request is over with it.

        None in the place of what is not ours: the server counts it all the same.
        """
        batch = list[Delivery | None]()
        while len(batch) < wanted:
            if batch and self._arrived.empty():
                return batch, False
            arrived = await self._next()
            status = arrived.headers.get("Status") if arrived.headers else None
            if status is None:
                batch.append(self._delivery(arrived))
            elif status != HEARTBEAT:
                description = (arrived.headers or {}).get("Description", "")
                if COMPLETED in description and wanted == READ_MESSAGES_MAX and not batch:
                    continue  # That was the request before: all of it had been taken already.
                self._check_over(status, description)
                return batch, True
        return batch, True

    async def _next(self) -> Msg:
        try:
            # No `wait_for`: before Python 3.12 it loses a cancellation that comes with what it waits for.
            async with asyncio.timeout(2 * HEARTBEAT_SECONDS + 1):
                arrived = await self._arrived.get()
        except TimeoutError:
            raise Away("The consumer is gone.") from None
        if isinstance(arrived, _Gone):
            raise Away("The connection to NATS was lost.")
        return arrived

    def _check_over(self, status: str, description: str) -> None:
        if status not in PULLED and FULL not in description and COMPLETED not in description:
            raise Away(f"The consumer is gone ({status}): {description}.")

    def _delivery(self, arrived: Msg) -> Delivery | None:
        sequence = arrived.metadata.sequence
        self._consumed += 1
        if sequence.consumer != self._consumed:
            raise Away(f"Of the consumer's messages, {self._consumed} did not arrive.")
        return delivery(self._partition, sequence.stream, arrived.headers or {}, arrived.data)

    async def _arrive(self, arrived: Msg) -> None:
        self._arrived.put_nowait(arrived)

    async def _watch(self) -> None:
        await self._connection.lost.wait()
        self._arrived.put_nowait(_Gone())
