"""How far a reactor has come, and which streams it has set aside: one small read model of its service."""

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.public_log import PublicBatch
from sigdep.kernel.ids import PARTITIONS, Partition, Position, Positions
from sigdep.kernel.read_store import PAGE_ROWS_MAX, Changes, Column, ModelId, ReadStore, Row, Select, Table

CHECKPOINT_CODE: Final = "2"

STORED_EVERY_SECONDS: Final = 1.0
"""A checkpoint is stored no more often: reactions are safe to repeat, and to hear a second of them again after a stop
costs less than a transaction for each event."""

PARKED_MAX: Final = 1_000
"""With more of them it is not the events that are at fault."""

PARKED: Final = Table(
    name="parked",
    columns=(
        Column("subject", "text"),
        Column("event_id", "text"),
        Column("after", "text"),
        Column("reason", "text"),
    ),
    key=("subject",),
)
"""The streams that are set aside, each with the first event that failed, and where to follow from to hear it again."""

_after: Final = msgspec.json.Decoder(dict[Partition, Position]).decode


class ReactionsBroken(Exception):
    """Reactions fail on so many streams that their code must be at fault."""


def subject_of(event: CloudEvent) -> str:
    """What an event is about: others about the same wait for it."""
    return event.subject or event.id


class Place:
    """Open it with `load`. One job at a time may change it."""

    def __init__(
        self, checkpoints: ReadStore, model: ModelId, stored: Positions, parked: Mapping[str, Positions]
    ) -> None:
        self.stored = stored
        """Where to follow from."""
        self.parked = dict(parked)
        """Where to follow from to hear a stream that is set aside, by its name."""
        self._checkpoints = checkpoints
        self._model = model
        self._reached: Positions = {}
        self._stored_at = 0.0

    @classmethod
    async def load(cls, name: str, checkpoints: ReadStore) -> "Place":
        model = await checkpoints.live(name, (PARKED,), CHECKPOINT_CODE)
        if model is None:
            model = await _make(name, checkpoints)
        page = await checkpoints.select(model, Select(table=PARKED, limit=PAGE_ROWS_MAX))
        parked = {str(row["subject"]): _after(str(row["after"])) for row in page.rows}
        return cls(checkpoints, model, await checkpoints.checkpoint(model), parked)

    @property
    def reached(self) -> Positions:
        """How far it has come, whether or not that is stored."""
        return {**self.stored, **self._reached}

    async def move(self, batch: PublicBatch) -> None:
        """Everything in the batch is done. That is stored when it is time.

        Raises:
            CheckpointMoved: another process has moved on from where we believed to be.
        """
        self._reached = {**self._reached, **batch.reached}
        now = asyncio.get_running_loop().time()
        if now - self._stored_at >= STORED_EVERY_SECONDS:
            await self.store()
            self._stored_at = now

    async def store(self) -> None:
        """Keep how far it has come.

        Raises:
            CheckpointMoved: as `move`.
        """
        if not self._reached:
            return
        before = {partition: self.stored.get(partition, Position(0)) for partition in self._reached}
        await self._checkpoints.commit(self._model, Changes((), (), ()), before=before, after=self._reached)
        self.stored, self._reached = {**self.stored, **self._reached}, {}

    async def park(self, event: CloudEvent, batch: PublicBatch, error: Exception) -> None:
        """Set the stream of an event of the batch aside: it and later ones of its stream wait, others go on.

        Raises:
            ReactionsBroken: there are too many by now.
        """
        if len(self.parked) >= PARKED_MAX:
            raise ReactionsBroken(f"More than {PARKED_MAX:,} streams are set aside, the last at {event.id}.") from error
        touched = batch.reached or range(PARTITIONS)  # Only the last piece of a look says where it has been.
        after = {Partition(partition): self.stored.get(Partition(partition), Position(0)) for partition in touched}
        row: Row = {
            "subject": subject_of(event),
            "event_id": event.id,
            "after": msgspec.json.encode(after).decode(),
            "reason": type(error).__name__,  # No more: the text might tell what the event says.
        }
        await self._checkpoints.commit(self._model, Changes((), (), [(PARKED, row)]), before={}, after={})
        self.parked[subject_of(event)] = after

    async def unpark(self, subject: str) -> None:
        """The stream has caught up."""
        await self._checkpoints.commit(self._model, Changes((), [(PARKED, (subject,))], ()), before={}, after={})
        del self.parked[subject]


async def _make(name: str, checkpoints: ReadStore) -> ModelId:
    """Empty, but where a former release has come to: it kept nothing but its checkpoint."""
    former = await checkpoints.live(name, ())
    reached = {} if former is None else await checkpoints.checkpoint(former)
    model = await checkpoints.prepare(name, (PARKED,), CHECKPOINT_CODE)
    before = {partition: Position(0) for partition in reached}
    if not await checkpoints.checkpoint(model):
        await checkpoints.commit(model, Changes((), (), ()), before=before, after=reached)
    await checkpoints.switch(model, (PARKED,))
    return model
