"""Proves a read model: replays the log and compares every row."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from msgspec import Struct

from sigdep.kernel.conditions import compare_places, full_order, sort_values
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.projection import ReadModel, last_positions
from sigdep.kernel.read_store import PAGE_ROWS_MAX, Key, ModelId, ReadStore, Row, Select, Table
from sigdep.kernel.store import EventLog
from sigdep.services.projecting import Build, tables_of
from sigdep.services.rebuilding import BATCH_EVENTS

DIFFERENCES_MAX: Final = 100
"""As many are told; one is bad enough."""

READS_MAX: Final = 100
"""How often a row that differs is read again, until the live read model has not moved on meanwhile."""


class Difference(Struct, frozen=True):
    """A row that is not what the log says."""

    table: str
    key: Key
    detail: str


async def verify_read_model(
    log: EventLog, read_store: ReadStore, read_model: ReadModel, *, scratch: ReadStore | None = None
) -> Sequence[Difference]:
    """Replay the log as far as the live build has come, and compare. Nothing: every row is what the log says.

    Safe beside a projector at work: what differs is compared again, with both at the same point of the log.

    Args:
        scratch: where to replay into. None: the same store, under another name.
    """
    live = await read_store.live(read_model.name, tables_of(read_model), read_model.fingerprint)
    if live is None:
        return [Difference("", (), f"{read_model.name} has no live build made by this release: rebuild it.")]
    replay = _Replay(log, scratch or read_store, read_model)
    await replay.begin()
    try:
        return await _compare(read_store, live, replay, read_model)
    finally:
        await replay.drop()


async def _compare(
    read_store: ReadStore, live: ModelId, replay: "_Replay", read_model: ReadModel
) -> Sequence[Difference]:
    await replay.advance(await read_store.checkpoint(live))
    found: list[Difference] = []
    for table in read_model.tables:
        async for suspected in _differences(read_store, live, replay, table):
            difference = await _again(read_store, live, replay, table, suspected.key)
            if difference is not None:
                found.append(difference)
            if len(found) == DIFFERENCES_MAX:
                return found
    return found


async def _again(read_store: ReadStore, live: ModelId, replay: "_Replay", table: Table, key: Key) -> Difference | None:
    """What remains of a difference at one point of the log: the live row may have been read before its last events."""
    for _ in range(READS_MAX):
        reached = await read_store.checkpoint(live)
        row = await read_store.get(live, table, key)
        if await read_store.checkpoint(live) == reached:
            await replay.advance(reached)
            return _difference(table, row, await replay.store.get(replay.model, table, key))
    return Difference(table.name, key, "changes too often to be compared")


class _Replay:
    """A build of its own, that is filled exactly as far as another has come."""

    def __init__(self, log: EventLog, store: ReadStore, read_model: ReadModel) -> None:
        self.store = store
        self._log = log
        self._read_model = read_model
        self._name = f"{read_model.name}~verify"
        self._read: dict[Partition, Position] = {}

    async def begin(self) -> None:
        await self.store.sweep(self._name)  # What a run that was killed may have left.
        self.model = await self.store.prepare(self._name, tables_of(self._read_model), "")
        self._build = Build(self._log, self.store, self._read_model, self.model)

    async def advance(self, until: Positions) -> None:
        while any(self._build.positions.get(partition, 0) < position for partition, position in until.items()):
            batch = await self._log.read_all(self._reading_from(until), limit=BATCH_EVENTS)
            wanted = [recorded for recorded in batch if recorded.position <= until.get(recorded.partition, 0)]
            self._read.update(last_positions(batch))
            if wanted:
                await self._build.apply(wanted)
            elif not batch:
                break

    def _reading_from(self, until: Positions) -> Positions:
        """Beyond what is wanted, so that events that have been passed over do not come again in one advance."""
        return {
            partition: max(self._read.get(partition, Position(0)), position)
            if self._build.positions.get(partition, 0) >= until.get(partition, 0)
            else position
            for partition, position in {**self._read, **self._build.positions}.items()
        }

    async def drop(self) -> None:
        await self.store.sweep(self._name)


async def _differences(
    read_store: ReadStore, live: ModelId, replay: _Replay, table: Table
) -> AsyncIterator[Difference]:
    """Walks both in the order of the key."""
    order = full_order(table, ())
    left, right = _walk(read_store, live, table), _walk(replay.store, replay.model, table)
    mine, other = await anext(left, None), await anext(right, None)
    while mine is not None or other is not None:
        place = _place(mine, other)
        if place is None:
            assert mine is not None
            assert other is not None
            place = compare_places(sort_values(mine, order), sort_values(other, order), order)
        difference = _difference(table, mine if place <= 0 else None, other if place >= 0 else None)
        if difference is not None:
            yield difference
        if place <= 0:
            mine = await anext(left, None)
        if place >= 0:
            other = await anext(right, None)


def _place(mine: Row | None, other: Row | None) -> int | None:
    """Which comes first where one has come to its end. None: neither has."""
    if mine is None:
        return 1
    return -1 if other is None else None


async def _walk(store: ReadStore, model: ModelId, table: Table) -> AsyncIterator[Row]:
    select = Select(table=table, limit=PAGE_ROWS_MAX)
    while True:
        page = await store.select(model, select)
        for row in page.rows:
            yield row
        if page.next is None:
            return
        select = Select(table=table, limit=PAGE_ROWS_MAX, after=page.next)


def _difference(table: Table, mine: Row | None, other: Row | None) -> Difference | None:
    """What is to be told says which columns, and never what is in them."""
    row = mine or other
    if row is None or mine == other:
        return None
    key = tuple(row[column] for column in table.key)
    if mine is None or other is None:
        return Difference(table.name, key, "is missing" if mine is None else "should not be there")
    columns = [column.name for column in table.columns if mine[column.name] != other[column.name]]
    return Difference(table.name, key, f"differs in {', '.join(columns)}")
