"""Lets one context act on what another publishes: follows its log and remembers how far it has come."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.kernel.errors import SigdepError, Unavailable
from sigdep.kernel.ids import Position, Positions
from sigdep.kernel.projection import last_positions
from sigdep.kernel.read_store import Changes, CheckpointMoved, ModelId, ReadStore
from sigdep.kernel.store import EventLog, RecordedEvent

Publish = Callable[[RecordedEvent], CloudEvent | None]
React = Callable[[CloudEvent], Awaitable[None]]

CHECKPOINT_CODE: Final = "1"
BACK_OFF_SECONDS: Final = 0.1
BACK_OFF_SECONDS_MAX: Final = 30.0

_log = structlog.get_logger(__name__)


class Reactor:
    """Hands each public event of a log to one reaction, at least once and in the order of each partition.

    The reaction must be safe to repeat: it may see an event again after a crash, since what it
    does and the checkpoint are not stored together.
    """

    def __init__(self, name: str, log: EventLog, publish: Publish, react: React, checkpoints: ReadStore) -> None:
        self.name = name
        self.state = "starting"
        self._log, self._publish, self._react, self._checkpoints = log, publish, react, checkpoints

    def fault(self) -> str | None:
        """What keeps it from following the log. None: nothing does."""
        return None if self.state == "live" else f"It is {self.state}."

    async def run(self) -> None:
        """React for ever. A reaction that fails is tried again, with growing pauses, before the next one begins."""
        pause = BACK_OFF_SECONDS
        while True:
            try:
                await self._follow()
                return
            except CheckpointMoved:  # Another process is at it, or was while we slept: go on from where it has come.
                _log.info("another reactor moved the checkpoint", reactor=self.name)
            except Unavailable as error:
                if self.state == "live":
                    pause = BACK_OFF_SECONDS
                self.state = f"waiting: {error.detail}"
                _log.warning("reactor waits", reactor=self.name, reason=error.detail)
                await asyncio.sleep(pause)
                pause = min(pause * 2, BACK_OFF_SECONDS_MAX)

    async def _follow(self) -> None:
        """Until the log is closed."""
        model = await self._checkpoint_model()
        done = dict(await self._checkpoints.checkpoint(model))
        self.state = "live"
        async for batch in self._log.follow(done):
            for recorded in batch:
                await self._until_done(recorded)
            done |= await self._move(model, batch, done)

    async def _until_done(self, recorded: RecordedEvent) -> None:
        published = self._publish(recorded)
        if published is None:
            return
        pause = BACK_OFF_SECONDS
        while True:
            try:
                await self._react(published)
            except SigdepError as error:
                self.state = f"trying again: {error}"
                _log.warning("reaction failed", reactor=self.name, event_id=published.id, error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, BACK_OFF_SECONDS_MAX)
            else:
                self.state = "live"
                return

    async def _move(self, model: ModelId, batch: Sequence[RecordedEvent], done: Positions) -> Positions:
        after = last_positions(batch)
        before = {partition: done.get(partition, Position(0)) for partition in after}
        await self._checkpoints.commit(model, Changes([], [], []), before=before, after=after)
        return after

    async def _checkpoint_model(self) -> ModelId:
        """A read model without tables: all it has is its checkpoint."""
        model = await self._checkpoints.live(self.name, (), CHECKPOINT_CODE)
        if model is None:
            model = await self._checkpoints.prepare(self.name, (), CHECKPOINT_CODE)
            await self._checkpoints.switch(model, ())
        return model
