"""The feed over the logs of all contexts: one job tails each log, wakes whoever waits, and has at hand what came."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.ids import WorkspaceId
from sigdep.gateway.feed import FeedBatch
from sigdep.gateway.feed_reach import RETRY_SECONDS, Reach
from sigdep.gateway.feed_tail import FeedTail
from sigdep.http.positions import FeedPosition
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position, Positions, partition_of, text_of
from sigdep.kernel.store import READ_EVENTS_MAX, EventLog, RecordedEvent
from sigdep.rpc.call import Call, WorkspacePosition

SCANNED_EVENTS_MAX: Final = 2_000
"""Events of one log, of all workspaces in the partition, that one look passes over."""

LINGER_SECONDS: Final = 60.0
"""A log is tailed for so long after somebody last waited: those who read in between are back in a moment, and to begin
to follow a log that another process keeps takes its time."""

Publish = Callable[[RecordedEvent], CloudEvent | None]
"""What others may know of an event. None: nothing."""

_log = structlog.get_logger("sigdep.gateway")


@dataclass(frozen=True, kw_only=True)
class Log:
    """The log of one context, and how its events are told to others."""

    context: str
    store: EventLog
    publish: Publish
    partition_for: Callable[[WorkspaceId], Partition] = partition_of
    """Where this log keeps what happens in a workspace. Others may stand there too."""


class FeedSource:
    """Open it to be woken by new events: `async with FeedSource(logs) as feed`."""

    def __init__(self, logs: Sequence[Log]) -> None:
        self._logs = tuple(logs)
        self._tails = {log.context: FeedTail() for log in self._logs}
        self._reach = {log.context: Reach(log.context) for log in self._logs}
        self._ends: dict[str, Positions] = {}
        """Of each log, as it was last heard: where it ends for all we know, while it is away."""
        self._waiting: dict[tuple[str, Partition], set[asyncio.Event]] = {}
        self._wanted = asyncio.Event()
        """Set while somebody waits: until then no log is tailed, which would decode every event for nobody."""
        self._jobs: list[asyncio.Task[None]] = []
        self._seen: dict[tuple[str, Partition], Position] = {}
        """The last event of each partition that was read here. A store may show an event a moment before it counts it:
        whoever has seen that one must not be taken back behind it."""

    async def __aenter__(self) -> "FeedSource":
        self._jobs = [asyncio.create_task(self._tail(log)) for log in self._logs]
        return self

    async def __aexit__(self, *_: object) -> None:
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    async def latest(self, workspace: WorkspaceId) -> FeedPosition:
        return FeedPosition(partition_of(workspace), await self._heads(workspace))

    async def after_write(self, workspace: WorkspaceId, write: WorkspacePosition) -> FeedPosition | None:
        for log in self._logs:
            if log.context == write.context and log.partition_for(workspace) == write.partition:
                return FeedPosition(
                    partition_of(workspace), {**await self._heads(workspace), log.context: write.position}
                )
        return None

    async def _heads(self, workspace: WorkspaceId) -> dict[str, Position]:
        """How far each log goes where the workspace stands. One that is away is taken to go as far as it last did.

        Raises:
            Unavailable: a log is away, and has never been heard here.
        """
        heads = await asyncio.gather(*(self._known_end(log) for log in self._logs))
        return {log.context: self._head(log, its, workspace) for log, its in zip(self._logs, heads, strict=True)}

    async def _known_end(self, log: Log) -> Positions:
        try:
            return await self._end(log)
        except Unavailable:
            if log.context not in self._ends:
                raise
            return self._ends[log.context]

    async def _end(self, log: Log) -> Positions:
        heads = await self._reach[log.context].ask(log.store.heads)
        self._ends[log.context] = heads
        return heads

    def _head(self, log: Log, heads: Positions, workspace: WorkspaceId) -> Position:
        partition, least = log.partition_for(workspace), Position(0)
        return max(heads.get(partition, least), self._seen.get((log.context, partition), least))

    def _see(self, log: Log, batch: Sequence[RecordedEvent]) -> None:
        for recorded in batch:
            place = log.context, recorded.partition
            self._seen[place] = max(recorded.position, self._seen.get(place, recorded.position))

    async def read(self, workspace: WorkspaceId, after: FeedPosition | None, limit: int, call: Call) -> FeedBatch:
        """Log by log: an event of one log never waits for another's, and there is no order between them.

        A reader stays where it is in a log that is away, and misses nothing of it.
        """
        partition = partition_of(workspace)
        reached = dict(after.positions) if after is not None else {}
        events: list[tuple[FeedPosition, CloudEvent]] = []
        more, away = False, 0
        for log in self._logs:
            start = reached.get(log.context, Position(0))
            try:
                reached[log.context], full = await self._read_log(log, workspace, start, limit, events, reached, call)
                more |= full
            except Unavailable:
                away += 1
                if away == len(self._logs) and not events:
                    raise
        return FeedBatch(events=events, next=FeedPosition(partition, self._known(reached)), more=more, whole=away == 0)

    def _known(self, reached: Mapping[str, Position]) -> dict[str, Position]:
        return {log.context: reached.get(log.context, Position(0)) for log in self._logs}

    async def _read_log(
        self,
        log: Log,
        workspace: WorkspaceId,
        start: Position,
        limit: int,
        events: list[tuple[FeedPosition, CloudEvent]],
        reached: dict[str, Position],
        call: Call,
    ) -> tuple[Position, bool]:
        """Adds to `events` until there are `limit`. Returns how far it came, and whether there may be more."""
        partition, reach = log.partition_for(workspace), self._reach[log.context]
        heads = await self._end(log)
        head = self._head(log, heads, workspace)
        position = min(start, head)  # A log restored from a backup may end before what a client has seen.
        scanned = 0
        while position < head:
            if len(events) >= limit or scanned >= SCANNED_EVENTS_MAX:
                return position, True
            after = {**heads, partition: position}
            batch = await reach.ask(partial(log.store.read_all, after, limit=READ_EVENTS_MAX))
            self._see(log, batch)
            ours = [recorded for recorded in batch if recorded.partition == partition]
            for recorded in ours:
                position, scanned = recorded.position, scanned + 1
                event = log.publish(recorded)
                if event is not None and event.workspaceid == workspace and _may_hear(event, call):
                    reached[log.context] = position
                    events.append((FeedPosition(partition_of(workspace), self._known(reached)), event))
                    if len(events) >= limit:
                        return position, True
            if not ours:
                break
        return position, False

    def recent(self, workspace: WorkspaceId, after: FeedPosition, limit: int, call: Call) -> FeedBatch | None:
        """A log that is not tailed at present tells nothing: whoever waits is woken once it is again."""
        tailed = [log for log in self._logs if self._tails[log.context].head(log.partition_for(workspace)) is not None]
        reached = self._known(after.positions)
        if not all(self._covers(log, workspace, reached[log.context]) for log in tailed):
            return None
        events: list[tuple[FeedPosition, CloudEvent]] = []
        for log in tailed:
            for recorded in self._tails[log.context].after(log.partition_for(workspace), reached[log.context]):
                if len(events) >= limit:
                    return FeedBatch(events=events, next=FeedPosition(after.partition, reached), more=True)
                reached[log.context] = recorded.position
                event = log.publish(recorded)
                if event is not None and event.workspaceid == workspace and _may_hear(event, call):
                    events.append((FeedPosition(after.partition, self._known(reached)), event))
        return FeedBatch(events=events, next=FeedPosition(after.partition, reached), more=False)

    def _covers(self, log: Log, workspace: WorkspaceId, place: Position) -> bool:
        return self._tails[log.context].covers(log.partition_for(workspace), place)

    async def changed(self, workspace: WorkspaceId, after: FeedPosition, timeout_seconds: float) -> bool:
        bell = asyncio.Event()
        places = [(log.context, log.partition_for(workspace)) for log in self._logs]
        for place in places:
            self._waiting.setdefault(place, set()).add(bell)
        self._wanted.set()
        self._waited_at = time.monotonic()
        try:
            # Looked at after the bell hangs: what comes between the two rings it, and so does a tail that begins.
            if any(self._is_ahead(*place, after.positions.get(place[0], Position(0))) for place in places):
                return True
            async with asyncio.timeout(timeout_seconds):
                await bell.wait()
            return True
        except TimeoutError:
            return False
        finally:
            for place in places:
                self._take_down(place, bell)

    def _is_ahead(self, context: str, partition: Partition, seen: Position) -> bool:
        head = self._tails[context].head(partition)
        return head is not None and head > seen

    def _take_down(self, place: tuple[str, Partition], bell: asyncio.Event) -> None:
        waiting = self._waiting[place]
        waiting.discard(bell)
        if not waiting:
            del self._waiting[place]
        if not self._waiting:
            self._wanted.clear()

    async def _tail(self, log: Log) -> None:
        while True:
            try:
                await self._wanted.wait()
                if not await self._follow(log):
                    return
            except Unavailable as error:
                self._reach[log.context].lost(error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception as error:
                _log.error("the feed cannot tail a log; trying again", context=log.context, exc_info=error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self, log: Log) -> bool:
        """Ring for what comes, as long as anybody waits. False: the store has been closed."""
        tail, start = self._tails[log.context], await log.store.heads()
        self._ends[log.context] = start
        self._reach[log.context].found()
        tail.begin(start)
        for partition in start:
            self._ring(log.context, partition)  # For what came before the start, and after they last looked.
        batches = log.store.follow(start)
        try:
            async for batch in batches:
                self._see(log, batch)
                tail.take(batch)
                for partition in {recorded.partition for recorded in batch}:
                    self._ring(log.context, partition)
                if not self._wanted.is_set() and time.monotonic() - self._waited_at > LINGER_SECONDS:
                    return True
        finally:
            tail.end()
            if isinstance(batches, AsyncGenerator):
                await batches.aclose()
        return False

    def _ring(self, context: str, partition: Partition) -> None:
        for bell in self._waiting.get((context, partition), ()):
            bell.set()


def _may_hear(event: CloudEvent, call: Call) -> bool:
    """Nobody asks where a room of many readers does: it keeps what is personal from all others itself."""
    return event.recipientid is None or call.principal is None or event.recipientid == text_of(call.principal.user_id)
