"""A read store in memory: rows in dictionaries, questions answered by the definition itself."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sigdep.kernel.conditions import check, fits, holds, only, page
from sigdep.kernel.errors import Invalid
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.read_store import (
    MIXED,
    Changes,
    CheckpointMoved,
    Condition,
    Key,
    ModelGone,
    ModelId,
    Page,
    Row,
    Select,
    Table,
)

_RowsOfTables = dict[str, dict[Key, Row]]


@dataclass
class _Build:
    tables: Sequence[Table]
    fingerprint: str
    rows: _RowsOfTables
    live: bool = False
    retired: bool = False
    indexed: bool = False
    checkpoint: dict[Partition, Position] = field(default_factory=dict)

    @property
    def is_filling(self) -> bool:
        return not self.live and not self.retired


class MemoryReadStore:
    """For tests, and for a replay that nobody keeps. See `ReadStore`."""

    def __init__(self) -> None:
        self._builds: dict[ModelId, _Build] = {}
        self._numbers: Counter[str] = Counter()
        """The last of each name. Never used twice."""

    async def live(self, name: str, tables: Iterable[Table] | None, fingerprint: str | None = None) -> ModelId | None:
        for model, build in self._builds.items():
            if model.name == name and build.live and (tables is None or list(build.tables) == list(tables)):
                return model if fingerprint in (None, build.fingerprint) else None
        return None

    async def prepare(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId:
        tables = list(tables)
        for model, build in self._builds.items():
            same = build.fingerprint == fingerprint and build.tables == tables
            if model.name == name and build.is_filling and same:
                return model
        self._numbers[name] += 1
        model = ModelId(name, self._numbers[name])
        self._builds[model] = _Build(tables, fingerprint, {table.name: {} for table in tables})
        return model

    async def begun(self, name: str) -> Collection[ModelId]:
        return [model for model, build in self._builds.items() if model.name == name and build.is_filling]

    async def index(self, model: ModelId, tables: Iterable[Table]) -> None:
        self._build(model).indexed = True

    async def indexed(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId | None:
        tables = list(tables)
        for model in await self.begun(name):
            build = self._builds[model]
            if build.indexed and build.fingerprint == fingerprint and list(build.tables) == tables:
                return model
        return None

    async def switch(self, model: ModelId, tables: Iterable[Table]) -> None:
        self._build(model)
        for other, build in self._builds.items():
            if other.name == model.name:
                build.retired = build.retired or build.live
                build.live = other == model

    async def mark_mixed(self, model: ModelId) -> None:
        self._build(model).fingerprint = MIXED

    async def sweep(self, name: str, keep: Collection[ModelId] = ()) -> None:
        for model, build in list(self._builds.items()):
            if model.name == name and not build.live and model not in keep:
                del self._builds[model]

    async def checkpoint(self, model: ModelId) -> Positions:
        return dict(self._build(model).checkpoint)

    async def commit(self, model: ModelId, changes: Changes, *, before: Positions, after: Positions) -> None:
        build = self._build(model)
        for partition, position in before.items():
            if build.checkpoint.get(partition, 0) != position:
                raise CheckpointMoved(f"{model} has moved on from {position} in partition {partition}.")
        for table, where in changes.delete_where:
            check(where, table)
        put = [(table, _checked(row, table)) for table, row in changes.put]
        # Nothing below can fail, so that a batch is applied whole or not at all.
        _change(build.rows, Changes(changes.delete_where, changes.delete, put))
        build.checkpoint.update(after)

    async def get(self, model: ModelId, table: Table, key: Key, columns: tuple[str, ...] | None = None) -> Row | None:
        row = self._rows(model, table).get(key)
        return None if row is None else only(row, columns)

    async def get_many(
        self, model: ModelId, table: Table, keys: Collection[Key], columns: tuple[str, ...] | None = None
    ) -> Mapping[Key, Row]:
        rows = self._rows(model, table)
        return {key: only(rows[key], columns) for key in keys if key in rows}

    async def select(self, model: ModelId, select: Select) -> Page:
        return page(select, self._rows(model, select.table).values())

    async def count(self, model: ModelId, table: Table, where: Condition) -> int:
        check(where, table)
        return sum(holds(where, row, table) for row in self._rows(model, table).values())

    async def close(self) -> None:
        self._builds.clear()

    def _build(self, model: ModelId) -> _Build:
        try:
            return self._builds[model]
        except KeyError:
            raise ModelGone(f"The read model {model} has been replaced. Please try again.") from None

    def _rows(self, model: ModelId, table: Table) -> dict[Key, Row]:
        return self._build(model).rows[table.name]


def _change(rows: _RowsOfTables, changes: Changes) -> None:
    for table, where in changes.delete_where:
        kept = {key: row for key, row in rows[table.name].items() if not holds(where, row, table)}
        rows[table.name] = kept
    for table, key in changes.delete:
        rows[table.name].pop(key, None)
    for table, row in changes.put:
        rows[table.name][tuple(row[column] for column in table.key)] = row


def _checked(row: Row, table: Table) -> Row:
    for column in table.columns:
        value = row[column.name]
        nullable = column.kind != "set" and column.name not in table.key
        if not (fits(value, column.kind) if value is not None else nullable):
            raise Invalid(f"{table.name}.{column.name} cannot hold {value!r}: it is of the kind {column.kind}.")
    return {column.name: row[column.name] for column in table.columns}
