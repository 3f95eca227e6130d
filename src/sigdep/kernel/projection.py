"""How a read model follows the log: a batch of events becomes row changes and a moved checkpoint, together."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from sigdep.kernel.conditions import holds
from sigdep.kernel.ids import Partition, Position, Positions, StreamId
from sigdep.kernel.read_store import Changes, Condition, Key, ModelId, ReadStore, Row, Table
from sigdep.kernel.store import RecordedEvent


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


class Rows:
    """The rows as one batch sees them: what the store holds, with the batch's own changes on top."""

    def __init__(self, store: StoredRows, model: ModelId) -> None:
        self._store = store
        self._model = model
        self._seen: dict[tuple[str, Key], Row | None] = {}
        self._dirty: dict[tuple[str, Key], Table] = {}
        self._delete_where: list[tuple[Table, Condition]] = []

    async def fetch(self, table: Table, keys: Collection[Key], columns: tuple[str, ...] | None = None) -> None:
        """Bring the rows in with one question, so that `get` need not ask.

        `columns`: those that will be looked at, the ones that a `delete_where` asks about included. None: all.
        """
        missing = [key for key in keys if (table.name, key) not in self._seen]
        if not missing:
            return
        deleted = [where for one, where in self._delete_where if one.name == table.name]
        found = await self._store.get_many(self._model, table, missing, None if deleted else columns)
        for key in missing:
            row = found.get(key)
            if row is not None and any(holds(where, row, table) for where in deleted):
                row = None
            self._seen[table.name, key] = row

    def get(self, table: Table, key: Key) -> Row | None:
        """A row that has been fetched, put or deleted in this batch.

        Raises:
            KeyError: it has not.
        """
        return self._seen[table.name, key]

    def put(self, table: Table, row: Row) -> None:
        key = tuple(row[column] for column in table.key)
        self._seen[table.name, key] = row
        self._dirty[table.name, key] = table

    def delete(self, table: Table, key: Key) -> None:
        self._seen[table.name, key] = None
        self._dirty[table.name, key] = table

    def delete_where(self, table: Table, where: Condition) -> None:
        """Delete every row for which the condition holds now, stored or put earlier in this batch."""
        self._delete_where.append((table, where))
        for (name, key), row in self._seen.items():
            if name == table.name and row is not None and holds(where, row, table):
                self._seen[name, key] = None  # Where the batch had put it, `changes` now deletes it by its key.

    def changes(self) -> Changes:
        deleted = [(table, key) for (name, key), table in self._dirty.items() if self._seen[name, key] is None]
        put = [(table, row) for (name, key), table in self._dirty.items() if (row := self._seen[name, key]) is not None]
        return Changes(self._delete_where, deleted, put)


async def apply(
    store: ReadStore,
    model: ModelId,
    read_model: ReadModel,
    batch: Sequence[RecordedEvent],
    before: Positions,
    *,
    passing_over: Collection[StreamId] = (),
) -> Positions:
    """Project one batch and commit it. Returns the checkpoint's new places, of the partitions in the batch.

    Args:
        passing_over: streams whose events are not projected.

    Raises:
        CheckpointMoved: another projector was here.
        Invalid: a row does not fit its table.
    """
    rows = Rows(store, model)
    projected = [recorded for recorded in batch if recorded.stream not in passing_over] if passing_over else batch
    await read_model.project(projected, rows)
    after = last_positions(batch)
    start = {partition: before.get(partition, Position(0)) for partition in after}
    await store.commit(model, rows.changes(), before=start, after=after)
    return after


def last_positions(batch: Iterable[RecordedEvent]) -> Mapping[Partition, Position]:
    return {recorded.partition: recorded.position for recorded in batch}
