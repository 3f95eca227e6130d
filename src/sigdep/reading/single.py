"""One thing: as it is, and as it was at some time."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.errors import NotFound
from sigdep.kernel.ids import Position, Positions, Version, partition_of
from sigdep.kernel.read_store import Row
from sigdep.kernel.store import RecordedEvent
from sigdep.reading.moments import Moment
from sigdep.reading.sources import Sources, not_found
from sigdep.reading.things import Thing
from sigdep.rpc.call import Answer, Call, Encoded, WorkspacePosition

_SHOWN: Final = ("workspace_id", "version", "document")

_encode: Final = msgspec.json.Encoder().encode


class SingleThings:
    """Answers about one thing of a context, whichever it is."""

    def __init__(self, sources: Sources) -> None:
        self._sources: Final = sources
        self._store: Final = sources.store
        self._progress: Final = sources.progress

    async def get(self, thing: Thing, identity: UUID, at: Moment | None, call: Call) -> Answer[Encoded]:
        """
        Raises:
            NotFound: there is none, there was none then, or the caller is no member of its workspace.
        """
        if at is not None:
            return self._then(thing, await self._sources.events(thing, identity, call), at)
        reflected = dict(self._progress.positions)
        row = await self._store.get(self._progress.model_id, thing.table, (identity,), _SHOWN)
        if row is None:
            # What a write has returned is there, even where the projector is a moment behind.
            return self._folded(thing, await self._sources.events(thing, identity, call))
        call.caller.require(_workspace(row), "viewer", thing.name)
        return self._shown(row, reflected)

    async def state(self, thing: Thing, identity: UUID) -> Answer[Encoded]:
        """A thing as it is now, for whoever asks on behalf of nobody.

        Raises:
            NotFound: there is none.
        """
        reflected = dict(self._progress.positions)
        row = await self._store.get(self._progress.model_id, thing.table, (identity,), _SHOWN)
        if row is not None:
            return self._shown(row, reflected)
        events = (await self._sources.log.read(thing.stream(identity))).events
        if not events:
            raise not_found(thing)
        return self._folded(thing, events)

    def position(self, events: Sequence[RecordedEvent]) -> WorkspacePosition:
        """What an answer reflects that was made of all of a thing's events."""
        last = events[-1]
        return WorkspacePosition(self._sources.context, last.partition, Position(last.position))

    def _then(self, thing: Thing, events: Sequence[RecordedEvent], at: Moment) -> Answer[Encoded]:
        present = self._sources.by_then(events, at)
        if not present:
            raise NotFound(f"{thing.name} did not exist yet at that time.")
        return self._folded(thing, present)

    def _shown(self, row: Row, reflected: Positions) -> Answer[Encoded]:
        version, document = row["version"], row["document"]
        assert isinstance(version, int)
        assert isinstance(document, bytes)
        partition = partition_of(_workspace(row))
        position = WorkspacePosition(self._sources.context, partition, reflected.get(partition, Position(0)))
        return Answer(value=Encoded(document), position=position, version=Version(version))

    def _folded(self, thing: Thing, events: Sequence[RecordedEvent]) -> Answer[Encoded]:
        state = thing.fold(events)
        if state is None:
            raise not_found(thing)
        return Answer(value=Encoded(_encode(state)), position=self.position(events), version=events[-1].version)


def _workspace(row: Row) -> WorkspaceId:
    workspace = row["workspace_id"]
    assert isinstance(workspace, UUID)
    return WorkspaceId(workspace)
