"""Loads aggregates: folds their streams, keeps the hot ones in memory, and begins long ones at a snapshot."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import SigdepError
from sigdep.kernel.ids import NO_STREAM, StreamId, SubjectId, Version
from sigdep.kernel.messages import State
from sigdep.kernel.store import EventStore, Snapshot

S = TypeVar("S", bound=State)

CACHED_STATES_MAX: Final = 20_000
DOUBTED_STREAMS_MAX: Final = 10_000
SNAPSHOT_EVENTS: Final = 500
"""A stream gets a new snapshot each time it has grown by so many events."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """An aggregate as it was found."""

    state: S
    version: Version
    cached: bool
    """True: somebody may have moved the stream on since it was read, so ask again before saying no because of it."""


class Repository(Generic[S]):
    """The aggregates of one kind.

    `alone`: no other process writes to this store, so what is cached is what is.
    """

    def __init__(self, store: EventStore, decider: Decider[Any, S], *, alone: bool) -> None:
        self.store = store
        self.decider = decider
        self.alone = alone
        self._cache: OrderedDict[StreamId, tuple[S, Version]] = OrderedDict()
        self._doubted: dict[StreamId, None] = {}

    async def load(self, stream: StreamId) -> Loaded[S]:
        """The aggregate's present state. An unknown stream is the initial state at version 0."""
        kept = self._cache.get(stream)
        if kept is not None:
            self._cache.move_to_end(stream)
            return Loaded(*kept, cached=self._may_have_moved(stream))
        return await self._catch_up(stream, *await self._begin(stream))

    def begin(self, stream: StreamId) -> Loaded[S]:
        """The aggregate of an id that was made just now: nothing is read to find out that nobody has used it.

        Should it exist after all, appending to it fails, and `refresh` finds it.
        """
        kept = self._cache.get(stream)
        if kept is not None:
            return Loaded(*kept, cached=self._may_have_moved(stream))
        return Loaded(self.decider.initial, NO_STREAM, cached=False)

    async def refresh(self, stream: StreamId) -> Loaded[S]:
        """The same, having read what others may have added."""
        kept = self._cache.get(stream)
        return await self._catch_up(stream, *(kept or await self._begin(stream)))

    async def latest(self, stream: StreamId) -> Loaded[S]:
        """The same as `load`, for whoever stores nothing there: what others have added would show in no conflict."""
        return await (self.refresh(stream) if self._may_have_moved(stream) else self.load(stream))

    async def load_at(self, stream: StreamId, version: Version) -> S:
        """The state as it was at a version."""
        history = await self.store.read(stream, until=version)
        return self.decider.fold(self.decider.initial, (recorded.event for recorded in history.events))

    def remember(self, stream: StreamId, state: S, version: Version) -> None:
        """Keep a state that is known to be stored, unless a newer one is kept."""
        kept = self._cache.get(stream)
        if kept is None or kept[1] <= version:
            self._cache[stream] = (state, version)
            self._cache.move_to_end(stream)
            if len(self._cache) > CACHED_STATES_MAX:
                self._cache.popitem(last=False)

    def confirm(self, stream: StreamId, state: S, version: Version) -> None:
        """Keep a state that we have stored ourselves just now: whatever was in doubt has been decided before."""
        self._doubted.pop(stream, None)
        self.remember(stream, state, version)

    def doubt(self, stream: StreamId) -> None:
        """An append to the stream may still be under way, and nobody waits for it any more."""
        self.forget(stream)
        self._doubted[stream] = None
        if len(self._doubted) > DOUBTED_STREAMS_MAX:
            oldest = next(iter(self._doubted))  # Its append has ended long ago, one way or the other.
            del self._doubted[oldest]
            self.forget(oldest)

    def forget(self, stream: StreamId) -> None:
        self._cache.pop(stream, None)

    def forget_where(self, forgotten: Callable[[S], bool]) -> None:
        """Let go of every state that answers to this, as when what it says has been erased."""
        for stream in [stream for stream, (state, _) in self._cache.items() if forgotten(state)]:
            del self._cache[stream]

    async def snapshot_if_due(self, stream: StreamId, subject: SubjectId, before: Version) -> None:
        """Save one when the stream has passed a multiple of SNAPSHOT_EVENTS since `before`. A failure is no matter."""
        kept = self._cache.get(stream)
        if kept is None or kept[1] // SNAPSHOT_EVENTS == before // SNAPSHOT_EVENTS:
            return
        state, version = kept
        snapshot = Snapshot(
            stream=stream,
            subject=subject,
            version=version,
            schema=self.decider.schema,
            state=msgspec.json.encode(state),
        )
        with suppress(SigdepError):  # The events are stored: their command has succeeded.
            await self.store.save_snapshot(snapshot)

    def _may_have_moved(self, stream: StreamId) -> bool:
        return not self.alone or stream in self._doubted

    async def _begin(self, stream: StreamId) -> tuple[S, Version]:
        snapshot = await self.store.load_snapshot(stream, self.decider.schema)
        if snapshot is None:
            return self.decider.initial, NO_STREAM
        try:
            return msgspec.json.decode(snapshot.state, type=type(self.decider.initial)), snapshot.version
        except msgspec.MsgspecError:  # Somebody forgot to rename the schema.
            return self.decider.initial, NO_STREAM

    async def _catch_up(self, stream: StreamId, state: S, version: Version) -> Loaded[S]:
        newer = await self.store.read(stream, after=version)
        state = self.decider.fold(state, (recorded.event for recorded in newer.events))
        if newer.version != NO_STREAM:
            self.remember(stream, state, newer.version)
        return Loaded(state, newer.version, cached=False)
