"""Records what is appended, and what followers make of it: also later, and in other processes.

An event carries the trace of its append in its metadata. Whoever follows the log goes on from there.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from time import time_ns
from typing import Final

from msgspec.structs import replace

from sigdep.kernel.ids import NO_STREAM, Positions, StreamId, Version, partition_of
from sigdep.kernel.store import (
    READ_EVENTS_MAX,
    Append,
    Appended,
    EventLog,
    EventStore,
    RecordedEvent,
    StreamSlice,
)
from sigdep.services.observing.store_layer import StoreLayer
from sigdep.telemetry.spans import Span, Spans, Value, recording
from sigdep.telemetry.trace import Trace, sampled_trace

_UNFINISHED: Final[str | None] = "unfinished"
"""The follower did not come back for the next batch: it failed, or was stopped."""


class TracedStore(StoreLayer):
    """An EventStore."""

    def __init__(self, log: str, store: EventStore, spans: Spans, *, system: str) -> None:
        """
        Args:
            system: the database, as OpenTelemetry calls it.
        """
        super().__init__(store)
        self._log = log
        self._spans = spans
        self._system = system

    async def append(self, append: Append) -> Appended:
        above = sampled_trace(append.metadata.trace)
        if above is None:
            return await self._store.append(append)
        attributes: dict[str, Value] = {
            "db.system.name": self._system,
            "db.operation.name": "append",
            "db.namespace": self._log,
            "sigdep.partition": partition_of(append.workspace),
            "sigdep.events": sum(len(write.events) for write in append.writes),
        }
        with recording(self._spans, above.child(), f"append {self._log}", "client", attributes) as traceparent:
            return await self._store.append(replace(append, metadata=replace(append.metadata, trace=traceparent)))


class TracedLog:
    """An EventLog for one follower: what it does with a batch before it takes the next one is a span of each traced
    event in it.
    """

    def __init__(self, log: str, follower: str, events: EventLog, spans: Spans, *, system: str) -> None:
        """
        Args:
            log: its name.
            system: what brings the events.
        """
        self._log = log
        self._follower = follower
        self._events = events
        self._spans = spans
        self._system = system

    async def follow(self, after: Positions) -> AsyncIterator[Sequence[RecordedEvent]]:
        batches = self._events.follow(after)
        try:
            async for batch in batches:
                traced = [place for place, event in enumerate(batch) if event.metadata.trace is not None]
                if not traced:
                    yield batch
                    continue
                stepped, steps = _stepped(batch, traced)
                begun, error = time_ns(), _UNFINISHED
                try:
                    yield stepped
                    error = None
                finally:
                    self._record(steps, len(batch), begun, error)
        finally:
            if isinstance(batches, AsyncGenerator):
                await batches.aclose()

    def _record(self, steps: Sequence[tuple[RecordedEvent, Trace]], size: int, begun: int, error: str | None) -> None:
        ended = time_ns()
        for event, trace in steps:
            attributes: dict[str, Value] = {
                "messaging.system": self._system,
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": self._log,
                "messaging.destination.partition.id": str(event.partition),
                "messaging.consumer.group.name": self._follower,
                "messaging.message.id": f"{event.partition}-{event.position}",
                "messaging.batch.message_count": size,
                "sigdep.event": event.type,
            }
            self._spans.take(
                Span(
                    trace=trace,
                    name=f"process {self._log}",
                    kind="consumer",
                    started_ns=begun,
                    ended_ns=ended,
                    attributes=attributes,
                    error=error,
                )
            )

    async def read(self, stream: StreamId, *, after: Version = NO_STREAM, until: Version | None = None) -> StreamSlice:
        return await self._events.read(stream, after=after, until=until)

    async def read_all(self, after: Positions, *, limit: int = READ_EVENTS_MAX) -> Sequence[RecordedEvent]:
        return await self._events.read_all(after, limit=limit)

    async def heads(self) -> Positions:
        return await self._events.heads()

    async def close(self) -> None:
        await self._events.close()


def _stepped(
    batch: Sequence[RecordedEvent], places: Sequence[int]
) -> tuple[list[RecordedEvent], list[tuple[RecordedEvent, Trace]]]:
    """The batch with its traced events as part of what the follower does, and those."""
    stepped, steps = list(batch), list[tuple[RecordedEvent, Trace]]()
    for place in places:
        event = batch[place]
        above = sampled_trace(event.metadata.trace)
        if above is not None:
            trace = above.child()
            stepped[place] = replace(event, metadata=replace(event.metadata, trace=trace.traceparent))
            steps.append((event, trace))
    return stepped, steps
