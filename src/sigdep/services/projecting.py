"""One build of a read model as it is filled from the log: batch by batch, and without the streams that cannot be."""

import asyncio
import traceback
from collections.abc import Sequence
from typing import Final

import structlog

from sigdep.kernel.errors import LogDamaged, Unavailable
from sigdep.kernel.ids import Partition, Position, Positions, StreamId, Version
from sigdep.kernel.projection import PARKED, ReadModel, Rows, StoredRows, project, store
from sigdep.kernel.read_store import (
    PAGE_ROWS_MAX,
    Changes,
    CheckpointMoved,
    ModelId,
    ReadStore,
    Row,
    Select,
    Table,
)
from sigdep.kernel.store import EventLog, RecordedEvent
from sigdep.telemetry.trace import trace_id_of

PAUSES_SECONDS: Final = (0.02, 0.2)
"""Before an event that failed is tried again. Then its stream is set aside."""

PARKED_STREAMS_MAX: Final = 1_000
"""With more of them it is not the events that are at fault."""

NO_FAULT_OF_AN_EVENT: Final = (CheckpointMoved, LogDamaged, Unavailable)
"""Whatever else goes wrong while a batch is applied is put down to one of its events."""

_log = structlog.get_logger("sigdep.projector")


class ProjectionBroken(Exception):
    """The read model fails on so many streams that its code must be at fault."""


def tables_of(read_model: ReadModel) -> tuple[Table, ...]:
    """Everything that a build of the read model holds."""
    return (*read_model.tables, PARKED)


class Build:
    """A build and how far it has come. One job at a time may change it."""

    def __init__(self, log: EventLog, read_store: ReadStore, read_model: ReadModel, model: ModelId) -> None:
        self.model = model
        self.positions: dict[Partition, Position] = {}
        self.parked: dict[StreamId, Version] = {}
        self._log = log
        self.read_store = read_store
        self._read_model = read_model

    async def load(self) -> "Build":
        """Read again how far it has come, from what is stored."""
        self.parked = await self._load_parked()
        self.positions = dict(await self.read_store.checkpoint(self.model))
        return self

    async def _load_parked(self) -> dict[StreamId, Version]:
        everything = Select(table=PARKED, limit=PAGE_ROWS_MAX)
        page = await self.read_store.select(self.model, everything)
        return {StreamId(str(row["stream"])): Version(int(str(row["version"]))) for row in page.rows}

    async def apply(self, batch: Sequence[RecordedEvent]) -> Positions:
        """Project the next events. Returns the new positions of their partitions.

        An event that fails again and again is set aside with its stream; the others go on.

        Raises:
            CheckpointMoved: another projector was here. `load` before going on.
            ProjectionBroken: too many streams fail.
        """
        try:
            after = await self._apply(batch)
        except NO_FAULT_OF_AN_EVENT:
            raise
        except Exception as error:
            _log.warning("a batch failed, trying its events alone", model=str(self.model), error=type(error).__name__)
            for recorded in batch:
                await self._apply_alone(recorded)
            return {recorded.partition: recorded.position for recorded in batch}
        return after

    async def _apply(self, batch: Sequence[RecordedEvent]) -> Positions:
        return await self.store(await self.project(batch, self.read_store), batch)

    async def project(self, batch: Sequence[RecordedEvent], stored: StoredRows) -> Changes:
        """What the next events do to the rows, but for those of streams that are set aside."""
        return await project(stored, self.model, self._read_model, batch, passing_over=self.parked)

    async def store(self, changes: Changes, batch: Sequence[RecordedEvent]) -> Positions:
        """Store what `project` gave for the next events."""
        after = await store(self.read_store, self.model, changes, batch, self.positions)
        self.positions.update(after)
        return after

    async def _apply_alone(self, recorded: RecordedEvent) -> None:
        for pause in (*PAUSES_SECONDS, None):
            try:
                await self._apply([recorded])
            except (CheckpointMoved, LogDamaged, Unavailable):
                raise
            except Exception as error:
                if pause is None:
                    await self._park(recorded, error)
                else:
                    await asyncio.sleep(pause)
            else:
                return

    async def _park(self, recorded: RecordedEvent, error: Exception) -> None:
        if len(self.parked) >= PARKED_STREAMS_MAX:
            raise ProjectionBroken(
                f"{self._read_model.name} fails on more than {PARKED_STREAMS_MAX} streams, last with "
                f"{type(error).__name__} at {recorded.partition}/{recorded.position}."
            ) from error
        row: Row = {
            "stream": recorded.stream,
            "version": recorded.version,
            "partition": recorded.partition,
            "position": recorded.position,
            "reason": type(error).__name__,  # No more: the text might tell what the event says.
        }
        before = {recorded.partition: self.positions.get(recorded.partition, Position(0))}
        after = {recorded.partition: recorded.position}
        await self.read_store.commit(self.model, Changes((), (), [(PARKED, row)]), before=before, after=after)
        self.parked[recorded.stream] = recorded.version
        self.positions.update(after)
        _log.error(
            "a stream is set aside, for its event cannot be projected",
            model=str(self.model),
            stream=recorded.stream,
            version=recorded.version,
            event_type=recorded.type,
            error=type(error).__name__,
            where=_where(error),
            request_id=recorded.metadata.request,
            trace_id=trace_id_of(recorded.metadata.trace),
        )

    async def replay_parked(self) -> int:
        """Try the streams again that are set aside. Returns how many have caught up.

        Raises:
            CheckpointMoved: another projector was here.
        """
        came_back = 0
        for stream, version in list(self.parked.items()):
            came_back += await self._replay(stream, version)
        return came_back

    async def _replay(self, stream: StreamId, version: Version) -> bool:
        history = await self._log.read(stream, after=Version(version - 1))
        missed = [event for event in history.events if event.position <= self.positions.get(event.partition, 0)]
        here = {event.partition: self.positions[event.partition] for event in missed[:1]}
        try:
            rows = Rows(self.read_store, self.model)
            await self._read_model.project(missed, rows)
            rows.delete(PARKED, (stream,))
            await self.read_store.commit(self.model, rows.changes(), before=here, after=here)
        except NO_FAULT_OF_AN_EVENT:
            raise
        except Exception as error:
            _log.warning("a stream stays aside", model=str(self.model), stream=stream, error=type(error).__name__)
            return False
        del self.parked[stream]
        return True


def _where(error: Exception) -> str:
    """The line that raised it. The error's own text stays out of logs, since it may quote what the event says."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
