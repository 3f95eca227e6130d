"""Makes a read model anew from the whole log, beside the live one, and says how it goes."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from sigdep.kernel.ids import Positions
from sigdep.kernel.projection import ReadModel, last_positions
from sigdep.kernel.read_store import ModelId, ReadStore
from sigdep.kernel.store import EventLog, RecordedEvent
from sigdep.services.ahead import Ahead
from sigdep.services.projecting import Build, tables_of

BATCH_EVENTS: Final = 10_000
"""The more events a batch has, the more of them change the same row, which is then written once."""

SERVING_BATCH_EVENTS: Final = 1_000
"""While others use the event loop: projecting a batch holds it up for some 15 ms."""

SAID_EVERY_SECONDS: Final = 5.0
"""How often it is said, where it is read as lines."""


class Progress(Struct, frozen=True):
    """How far a rebuild has come."""

    done: int
    total: int
    """Events in the log, which grows meanwhile."""
    events_per_second: float

    def __str__(self) -> str:
        return f"{self.done:,} of {self.total:,} events, {self.events_per_second:,.0f} a second"


OnProgress = Callable[[Progress], None]


def now_and_then(told: OnProgress, every_seconds: float = SAID_EVERY_SECONDS) -> OnProgress:
    """Tells of progress at most every so many seconds, for the first time after as many: what is quick is not news."""
    due = time.monotonic() + every_seconds

    def tell(progress: Progress) -> None:
        nonlocal due
        if (now := time.monotonic()) >= due:
            due = now + every_seconds
            told(progress)

    return tell


async def rebuild(
    log: EventLog,
    read_store: ReadStore,
    read_model: ReadModel,
    on_progress: OnProgress | None = None,
    *,
    retired_kept_seconds: float = 0.0,
) -> ModelId:
    """Fill a new build, make it the live one and drop all others. Takes up a rebuild that was interrupted.

    Args:
        retired_kept_seconds: how long the former build is kept for those who read it. A projector in another process
            notices the new one within `served_build.LOOK_SECONDS`. 0: there is nobody.
    """
    build = await begin(log, read_store, read_model)
    await fill(build, log, on_progress)
    await fill(build, log, on_progress)  # What came during the long first time: reads go back by as little as that.
    await read_store.switch(build.model, tables_of(read_model))
    await asyncio.sleep(retired_kept_seconds)
    await read_store.sweep(read_model.name)
    return build.model


async def begin(log: EventLog, read_store: ReadStore, read_model: ReadModel) -> Build:
    """The build to fill: a new one, or one that was begun with the same code."""
    model = await read_store.prepare(read_model.name, tables_of(read_model), read_model.fingerprint)
    return await Build(log, read_store, read_model, model).load()


async def fill(
    build: Build, log: EventLog, on_progress: OnProgress | None = None, *, batch_events: int = BATCH_EVENTS
) -> None:
    """Project everything that is in the log now. What comes meanwhile is not waited for: it might never end.

    While one batch is projected, the one before it is stored and the one after it is read.
    """
    heads = await log.heads()
    meter = _Meter(build, heads, on_progress)
    reached = dict(build.positions)
    async with Ahead(build) as ahead:
        batch = await log.read_all(reached, limit=batch_events)
        while batch and any(reached.get(partition, 0) < head for partition, head in heads.items()):
            reached.update(last_positions(batch))
            reading = asyncio.create_task(_read(log, dict(reached), batch_events))
            try:
                await ahead.apply(batch)
            except BaseException:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                raise
            meter.count(len(batch))
            batch = await reading


async def _read(log: EventLog, after: Positions, events: int) -> Sequence[RecordedEvent]:
    return await log.read_all(after, limit=events)


class _Meter:
    def __init__(self, build: Build, heads: Positions, on_progress: OnProgress | None) -> None:
        self._done: int = sum(build.positions.values())
        self._total: int = sum(heads.values())
        self._on_progress = on_progress
        self._began = time.monotonic()
        self._counted = 0

    def count(self, events: int) -> None:
        self._done += events
        self._counted += events
        self._total = max(self._total, self._done)
        if self._on_progress is not None:
            seconds = max(time.monotonic() - self._began, 1e-6)
            self._on_progress(Progress(self._done, self._total, self._counted / seconds))
