"""Single things: as they are, as they were, and what has happened to them."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from sigdep.calendar.domain import fields
from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.appointment_decisions import OccurrenceNotFound
from sigdep.calendar.domain.series import original_of
from sigdep.calendar.queries import GetHistory, GetOccurrence, History, Occurrence
from sigdep.calendar.read_service.expanding import ready
from sigdep.calendar.read_service.histories import history_of
from sigdep.calendar.read_service.things import APPOINTMENT, CONTEXT, THINGS
from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.cursors import Paging
from sigdep.kernel.errors import NotFound
from sigdep.kernel.ids import Position, Positions, Version, partition_of
from sigdep.kernel.read_store import Row
from sigdep.kernel.store import RecordedEvent
from sigdep.reading.histories import page_of
from sigdep.reading.moments import Moment
from sigdep.reading.sources import Sources, not_found
from sigdep.reading.things import Thing
from sigdep.rpc.call import Answer, Call, Encoded, WorkspacePosition

_SHOWN: Final = ("workspace_id", "version", "document")

_decode: Final = msgspec.json.Decoder(Appointment).decode
_encode: Final = msgspec.json.Encoder().encode


class Single:
    """Answers about one thing."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._store = sources.store
        self._progress = sources.progress

    async def get(self, thing: Thing, identity: UUID, at: Moment | None, call: Call) -> Answer[Encoded]:
        if at is not None:
            return self._then(thing, await self._sources.events(thing, identity, call), at)
        reflected = dict(self._progress.positions)
        row = await self._store.get(self._progress.model_id, thing.table, (identity,), _SHOWN)
        if row is None:
            # What a write has returned is there, even where the projector is a moment behind.
            return _folded(thing, await self._sources.events(thing, identity, call))
        call.caller.require(_workspace(row), "viewer", thing.name)
        return _shown(row, reflected)

    async def state(self, thing: Thing, identity: UUID) -> Answer[Encoded]:
        """A thing as it is now, for whoever asks on behalf of nobody."""
        reflected = dict(self._progress.positions)
        row = await self._store.get(self._progress.model_id, thing.table, (identity,), _SHOWN)
        if row is not None:
            return _shown(row, reflected)
        events = (await self._sources.log.read(thing.stream(identity))).events
        if not events:
            raise not_found(thing)
        return _folded(thing, events)

    async def get_occurrence(self, query: GetOccurrence, call: Call) -> Answer[Occurrence]:
        """
        Raises:
            NotFound: there is none that starts then, or it was cancelled.
        """
        zone = fields.time_zone(call.caller.time_zone if query.time_zone is None else query.time_zone, "time_zone")
        answer = await self.get(APPOINTMENT, query.appointment_id, query.at, call)
        appointment = _decode(answer.value.json)
        original = original_of(query.occurrence, appointment)
        found = None if original is None else ready(appointment).single(original, zone)
        if found is None:
            raise OccurrenceNotFound(query.occurrence)
        return Answer(value=found.shown(), position=answer.position, version=answer.version)

    def _then(self, thing: Thing, events: Sequence[RecordedEvent], at: Moment) -> Answer[Encoded]:
        present = self._sources.by_then(events, at)
        if not present:
            raise NotFound(f"{thing.name} did not exist yet at that time.")
        return _folded(thing, present)

    async def get_history(self, query: GetHistory, call: Call) -> Answer[History]:
        thing = THINGS[query.thing]
        events = await self._sources.events(thing, query.id, call)
        workspace = events[0].workspace
        entries, following = page_of(history_of(thing, events), query, Paging(query, workspace), thing.table)
        return Answer(
            value=History(workspace_id=workspace, entries=entries, next_cursor=following),
            position=_position(events),
        )


def _workspace(row: Row) -> WorkspaceId:
    workspace = row["workspace_id"]
    assert isinstance(workspace, UUID)
    return WorkspaceId(workspace)


def _shown(row: Row, reflected: Positions) -> Answer[Encoded]:
    version, document = row["version"], row["document"]
    assert isinstance(version, int)
    assert isinstance(document, bytes)
    partition = partition_of(_workspace(row))
    position = WorkspacePosition(CONTEXT, partition, reflected.get(partition, Position(0)))
    return Answer(value=Encoded(document), position=position, version=Version(version))


def _folded(thing: Thing, events: Sequence[RecordedEvent]) -> Answer[Encoded]:
    state = thing.fold(events)
    if state is None:
        raise not_found(thing)
    return Answer(value=Encoded(_encode(state)), position=_position(events), version=events[-1].version)


def _position(events: Sequence[RecordedEvent]) -> WorkspacePosition:
    last = events[-1]
    return WorkspacePosition(CONTEXT, last.partition, Position(last.position))
