"""How a read model follows the log: a batch of events becomes row changes and a moved checkpoint, together."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from sigdep.kernel.conditions import holds
from sigdep.kernel.ids import Partition, Position, Positions, StreamId
from sigdep.kernel.messages import Event
from sigdep.kernel.read_store import Changes, Column, Condition, Key, ModelId, ReadStore, Row, Table
from sigdep.kernel.store import RecordedEvent

E = TypeVar("E", bound=Event)

PARKED: Final = Table(
    name="parked",
    columns=(
        Column("stream", "text"),
        Column("version", "integer"),
        Column("partition", "integer"),
        Column("position", "integer"),
        Column("reason", "text"),
    ),
    key=("stream",),
)
"""The streams that are set aside, each with the first event that could not be projected: it and later ones wait."""


class ReadModel(Protocol):
    """What one question needs, and how events change it."""

    @property
    def name(self) -> str: ...

    @property
    def tables(self) -> Sequence[Table]: ...

    @property
    def fingerprint(self) -> str:
        """Names this projection's code: when it changes, the read model is rebuilt beside the live one."""
        ...

    async def project(self, batch: Sequence[RecordedEvent], rows: "Rows") -> None:
        """Apply the events, in order. Pure but for `rows`: the same events give the same rows, whatever the batches.

        What it raises is the fault of one event: that event's stream is set aside, and the others go on.
        """
        ...


class StoredRows(Protocol):
    """As much of a read store as projecting reads from."""

    async def get_many(
        self, model: ModelId, table: Table, keys: Collection[Key], columns: tuple[str, ...] | None = None
    ) -> Mapping[Key, Row]: ...


class _Held:
    """One row in the hands of a batch."""

    __slots__ = ("changed", "key", "row", "table")

    def __init__(self, table: Table, key: Key, row: Row | None) -> None:
        self.table = table
        self.key = key
        self.row = row
        self.changed = False


class Rows:
    """The rows as one batch sees them: what the store holds, with the batch's own changes on top."""

    def __init__(self, store: StoredRows, model: ModelId) -> None:
        self.model: Final = model
        self._store = store
        # By table, then by key. An id is slow to hash, so whatever a row needs hangs on one entry, found once.
        self._held: dict[str, dict[Key, _Held]] = {}
        self._changed: list[_Held] = []
        self._delete_where: list[tuple[Table, Condition]] = []

    async def fetch(self, table: Table, keys: Collection[Key], columns: tuple[str, ...] | None = None) -> None:
        """Bring the rows in with one question, so that `get` need not ask.

        `columns`: those that will be looked at, the ones that a `delete_where` asks about included. None: all.
        """
        held = self._held.setdefault(table.name, {})
        missing = [key for key in keys if key not in held]
        if not missing:
            return
        deleted = [where for one, where in self._delete_where if one.name == table.name]
        found = await self._store.get_many(self.model, table, missing, None if deleted else columns)
        for key in missing:
            row = found.get(key)
            if row is not None and any(holds(where, row, table) for where in deleted):
                row = None
            held[key] = _Held(table, key, row)

    def get(self, table: Table, key: Key) -> Row | None:
        """A row that has been fetched, put or deleted in this batch.

        Raises:
            KeyError: it has not.
        """
        return self._held[table.name][key].row

    def put(self, table: Table, row: Row) -> None:
        key = table.key
        self._change(table, (row[key[0]],) if len(key) == 1 else tuple(row[column] for column in key), row)

    def delete(self, table: Table, key: Key) -> None:
        self._change(table, key, None)

    def _change(self, table: Table, key: Key, row: Row | None) -> None:
        held = self._held.setdefault(table.name, {})
        entry = held.get(key)
        if entry is None:
            entry = held[key] = _Held(table, key, row)
        entry.row = row
        if not entry.changed:
            entry.changed = True
            self._changed.append(entry)

    def delete_where(self, table: Table, where: Condition) -> None:
        """Delete every row for which the condition holds now, stored or put earlier in this batch."""
        self._delete_where.append((table, where))
        for entry in self._held.get(table.name, {}).values():
            if entry.row is not None and holds(where, entry.row, table):
                entry.row = None  # Where the batch had put it, `changes` now deletes it by its key.

    def changes(self) -> Changes:
        deleted = [(entry.table, entry.key) for entry in self._changed if entry.row is None]
        put = [(entry.table, entry.row) for entry in self._changed if entry.row is not None]
        return Changes(self._delete_where, deleted, put)


async def project(
    stored: StoredRows,
    model: ModelId,
    read_model: ReadModel,
    batch: Sequence[RecordedEvent],
    *,
    passing_over: Collection[StreamId] = (),
) -> Changes:
    """What a batch does to the rows. Nothing is stored yet.

    Args:
        passing_over: streams whose events are not projected.
    """
    rows = Rows(stored, model)
    projected = [recorded for recorded in batch if recorded.stream not in passing_over] if passing_over else batch
    await read_model.project(projected, rows)
    return rows.changes()


async def store(
    read_store: ReadStore, model: ModelId, changes: Changes, batch: Sequence[RecordedEvent], before: Positions
) -> Positions:
    """Commit what `project` gave, and the checkpoint. Returns its new places, of the partitions in the batch.

    Raises:
        CheckpointMoved: another projector was here.
        Invalid: a row does not fit its table.
    """
    after = last_positions(batch)
    start = {partition: before.get(partition, Position(0)) for partition in after}
    await read_store.commit(model, changes, before=start, after=after)
    return after


async def apply(
    read_store: ReadStore, model: ModelId, read_model: ReadModel, batch: Sequence[RecordedEvent], before: Positions
) -> Positions:
    """Project one batch and store it: see `store`."""
    return await store(read_store, model, await project(read_store, model, read_model, batch), batch, before)


def last_positions(batch: Iterable[RecordedEvent]) -> Mapping[Partition, Position]:
    return {recorded.partition: recorded.position for recorded in batch}


def until_each(
    batch: Sequence[RecordedEvent], kinds: tuple[type[E], ...]
) -> Iterator[tuple[Sequence[RecordedEvent], E | None]]:
    """The batch in pieces, each with the event of one of these kinds that ends it. The last one ends with none."""
    start = 0
    for place, recorded in enumerate(batch):
        if isinstance(recorded.event, kinds):
            yield batch[start:place], recorded.event
            start = place + 1
    yield batch[start:], None
