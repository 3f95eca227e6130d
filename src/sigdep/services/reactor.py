"""Lets one context act on what another publishes: follows its public log and remembers how far it has come."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Collection
from contextlib import aclosing, suppress
from typing import Final, Protocol

import structlog

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.public_log import PublicBatch, PublicLog
from sigdep.kernel.errors import LogDamaged, Unavailable
from sigdep.kernel.ids import Positions
from sigdep.kernel.read_store import CheckpointMoved, ReadStore
from sigdep.services.back_off import BackOff
from sigdep.services.reactor_place import Place, subject_of

PAUSES_SECONDS: Final = (0.05, 0.2, 1.0)
"""Before a reaction that failed is tried again. Then the event's stream is set aside. An outage is no such failure."""

_log = structlog.get_logger(__name__)


class Reactions(Protocol):
    """What a context does when another one speaks."""

    @property
    def types(self) -> Collection[str]:
        """The events that it acts on, as their envelopes name them. Others are not even sent. None: all."""
        ...

    async def react(self, event: CloudEvent) -> None:
        """Act on an event. Must be safe to repeat: what it does and the checkpoint are not stored together.

        Raises:
            Unavailable: what it needs is away. It is tried again until it is not.
        """
        ...


class Reactor:
    """Hands each public event of a log to the reactions, at least once and in the order of each partition.

    An event on which they fail again and again is set aside with its stream (its `subject`): it and later ones of that
    stream wait for the next start, which a new release brings about; all others go on.
    """

    def __init__(
        self,
        name: str,
        published: PublicLog,
        reactions: Reactions,
        checkpoints: ReadStore,
        *,
        heads: Callable[[], Awaitable[Positions]] | None = None,
    ) -> None:
        """
        Args:
            heads: of the log. Asked before it is followed: following a log that is away and following one in which
                nothing happens look the same for as long as the network says nothing. None: it is in this process.
        """
        self.name = name
        self.state = "starting"
        self._published, self._reactions, self._checkpoints = published, reactions, checkpoints
        self._heads = heads
        self._back_off = BackOff()
        self._parked = 0
        self._place: Place | None = None

    @property
    def parked_streams(self) -> int:
        """How many streams are set aside."""
        return self._parked

    @property
    def positions(self) -> Positions | None:
        """How far it has come. None: it has not begun."""
        return None if self._place is None else self._place.reached

    def fault(self) -> str | None:
        """What keeps it from following the log. None: nothing does."""
        return None if self.state == "live" else f"It is {self.state}."

    async def run(self) -> None:
        """React for ever."""
        while True:
            try:
                await self._follow()
                return
            except CheckpointMoved:  # Another process is at it, or was while we slept: go on from where it has come.
                _log.info("another reactor moved the checkpoint", reactor=self.name)
            except Unavailable as error:
                state = f"waiting: {error.detail}"
                if state != self.state:
                    _log.warning("reactor waits", reactor=self.name, reason=error.detail)
                self.state = state
            await self._back_off.pause()

    async def _follow(self) -> None:
        """Until the log is closed."""
        place = await Place.load(self.name, self._checkpoints)
        for subject, after in tuple(place.parked.items()):
            await self._replay(place, subject, after)
        self._parked, self._place = len(place.parked), place
        if self._heads is not None:
            await self._heads()
        self.state = "live"
        try:
            async with aclosing(self._published.follow(place.stored, self._reactions.types)) as batches:
                async for batch in batches:
                    for event in batch.events:
                        await self._react(place, event, batch)
                    await place.move(batch)
                    self._back_off.begin_anew()
        finally:
            with suppress(CheckpointMoved, Unavailable):
                await place.store()

    async def _react(self, place: Place, event: CloudEvent, batch: PublicBatch) -> None:
        if subject_of(event) in place.parked:
            return
        try:
            await self._until_done(event)
        except LogDamaged:
            raise
        except Exception as error:
            await place.park(event, batch, error)
            self._parked = len(place.parked)
            _log.error(
                "a stream is set aside, for the reaction to its event fails",
                reactor=self.name,
                event_type=event.type,
                event_id=event.id,
                stream=event.subject,
                error=type(error).__name__,
                where=_where(error),
            )
        self.state = "live"

    async def _until_done(self, event: CloudEvent) -> None:
        """Raises what the reaction raised last."""
        away, pauses = BackOff(), list(PAUSES_SECONDS)
        while True:
            try:
                await self._reactions.react(event)
                return
            except Unavailable as error:
                self._say_again(event, error)
                await away.pause()
            except Exception as error:
                self._say_again(event, error)
                if not pauses or isinstance(error, LogDamaged):
                    raise
                await asyncio.sleep(pauses.pop(0))

    def _say_again(self, event: CloudEvent, error: Exception) -> None:
        self.state = f"trying again: {type(error).__name__}"
        _log.warning("reaction failed", reactor=self.name, event_id=event.id, error=type(error).__name__)

    async def _replay(self, place: Place, subject: str, after: Positions) -> None:
        """Hear a stream again that is set aside, up to where the others are. It stays aside if it fails again."""
        wanted = {part: place.stored.get(part, 0) for part in after if place.stored.get(part, 0) > after[part]}
        if not wanted:  # We did not come past it: it is heard again anyway.
            await place.unpark(subject)
            return
        async with aclosing(self._published.follow({**place.stored, **after}, self._reactions.types)) as batches:
            async for batch in batches:
                for event in batch.events:
                    if subject_of(event) == subject and not await self._is_done(event):
                        return
                wanted = {part: goal for part, goal in wanted.items() if batch.reached.get(part, 0) < goal}
                if not wanted:
                    break
        await place.unpark(subject)

    async def _is_done(self, event: CloudEvent) -> bool:
        try:
            await self._reactions.react(event)
        except (Unavailable, LogDamaged):
            raise
        except Exception as error:
            _log.warning("a stream stays aside", reactor=self.name, event_id=event.id, error=type(error).__name__)
            return False
        return True


def _where(error: Exception) -> str:
    """The line that raised it. The error's own text stays out of logs, since it may quote what the event says."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
