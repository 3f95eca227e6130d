"""The public log of a context, made by its owner from its own log: by its own `publish`, and nobody else's."""

from collections.abc import AsyncGenerator, Callable, Collection, Sequence

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.public_log import EVERY_TYPE, PublicBatch
from sigdep.kernel.ids import Positions
from sigdep.kernel.projection import last_positions
from sigdep.kernel.store import EventLog, RecordedEvent
from sigdep.services.batches import let_go

Publish = Callable[[RecordedEvent], CloudEvent | None]
"""What others may know of an event. None: nothing."""


class PublishedLog:
    """A PublicLog. The log belongs to whoever opened it."""

    def __init__(self, log: EventLog, publish: Publish) -> None:
        self._log = log
        self._publish = publish

    async def follow(self, after: Positions, types: Collection[str] = EVERY_TYPE) -> AsyncGenerator[PublicBatch, None]:
        batches = self._log.follow(after)
        try:
            async for batch in batches:
                yield PublicBatch(events=self._told(batch, types), reached=last_positions(batch))
        finally:
            await let_go(batches)

    def _told(self, batch: Sequence[RecordedEvent], types: Collection[str]) -> list[CloudEvent]:
        published = map(self._publish, batch)
        return [event for event in published if event is not None and (not types or event.type in types)]
