"""Rows of no read model, and random questions to them, for the contract suite of the read store."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from hypothesis import strategies as st

from sigdep.kernel.ids import Partition, Position
from sigdep.kernel.read_store import (
    All,
    Changes,
    Column,
    Compare,
    Condition,
    Contains,
    Index,
    IsNull,
    Key,
    Kind,
    Matches,
    ModelId,
    Not,
    OneOf,
    Order,
    ReadStore,
    Row,
    Table,
    Value,
)
from sigdep.kernel.read_store import Any as AnyOf

ITEMS: Final = Table(
    name="items",
    columns=(
        Column("id", "uuid"),
        Column("workspace", "uuid"),
        Column("document", "bytes"),
        Column("status", "text"),
        Column("rank", "text"),
        Column("size", "integer"),
        Column("weight", "real"),
        Column("done", "boolean"),
        Column("due_at", "instant"),
        Column("due_on", "date"),
        Column("labels", "set"),
        Column("people", "set"),
        Column("title", "text"),
        Column("notes", "text"),
    ),
    key=("id",),
    indexes=(
        Index(("workspace",)),
        Index(("workspace", "due_at")),
        Index(("workspace", "status", "due_at")),
        Index(("workspace", "rank")),
        Index(("size",)),
    ),
    search=("title", "notes"),
)

PLACES: Final = Table(
    name="places",
    columns=(Column("street", "text"), Column("number", "integer"), Column("colour", "text")),
    key=("street", "number"),
    indexes=(Index(("colour",)),),
)

TABLES: Final = (ITEMS, PLACES)

NOTHING: Final = Changes((), (), ())

EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


def identity(number: int) -> UUID:
    return UUID(int=number)


def item(number: int, **values: Value) -> Row:
    """A row of ITEMS, in the workspace 0, its other columns null or empty unless given."""
    empty: dict[str, Value] = {column.name: None for column in ITEMS.columns}
    empty |= {"id": identity(number), "workspace": identity(0), "labels": frozenset(), "people": frozenset()}
    return {**empty, **values}


def place(street: str, number: int, colour: str | None = None) -> Row:
    return {"street": street, "number": number, "colour": colour}


def key_of(row: Row, table: Table = ITEMS) -> Key:
    return tuple(row[column] for column in table.key)


def putting(*rows: Row, table: Table = ITEMS) -> Changes:
    return Changes((), (), [(table, row) for row in rows])


def at(position: int) -> Mapping[Partition, Position]:
    """A checkpoint in the first partition."""
    return {Partition(0): Position(position)}


async def fill(store: ReadStore, model: ModelId, rows: Iterable[Row], table: Table = ITEMS) -> None:
    """Put rows in, without any move of the checkpoint."""
    await store.commit(model, putting(*rows, table=table), before={}, after={})


async def new_model(store: ReadStore, name: str, *, live: bool = True) -> ModelId:
    model = await store.prepare(name, TABLES, "f")
    if live:
        await store.switch(model, TABLES)
    return model


# ── random rows and questions: few values, so that they meet ─────────────────────────────────────────────

HOSTILE: Final = (
    "", "a", "b", "\0", "\x01", "a\0b", "é", "É", "\U0001f600", "\uffff", "'", '"', "%", "\\", "{", ",", "NULL",
    "OR", "*",
)  # fmt: skip

WORDS: Final = ("work", "Works", "wörk", "house", "Haus", "HÄUSER", "straße", "strasse", "日本", "x2", "😀", "it's")

_POOLS: Final[Mapping[Kind, st.SearchStrategy[Any]]] = {
    "text": st.sampled_from(HOSTILE),
    "integer": st.sampled_from([-(2**63), -1, 0, 1, 2, 2**63 - 1]),
    "real": st.sampled_from([float("-inf"), -1.5, 0.0, 0.5, 1e300, float("inf")]),
    "boolean": st.booleans(),
    "bytes": st.sampled_from([b"", b"\0", b"{}"]),
    "uuid": st.integers(0, 3).map(identity),
    "instant": st.sampled_from(
        [
            datetime.min.replace(tzinfo=UTC),
            EPOCH,
            EPOCH + timedelta(microseconds=1),
            EPOCH + timedelta(days=1),
            datetime.max.replace(tzinfo=UTC),
        ]
    ),
    "date": st.sampled_from([date.min, date(2026, 1, 1), date(2026, 1, 2), date.max]),
    "set": st.frozensets(st.sampled_from(["a", "b", "", "'", '"', "{", "\\", ",", "NULL", "é"]), max_size=3),
}

texts = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)


def _values(column: Column) -> st.SearchStrategy[Any]:
    if column.name in ITEMS.search:
        return st.none() | texts
    if column.kind == "set":
        return _POOLS["set"]
    return st.none() | _POOLS[column.kind]


rows = st.fixed_dictionaries({c.name: _values(c) for c in ITEMS.columns} | {"id": st.integers(1, 40).map(identity)})
tables_of_rows = st.lists(rows, max_size=14, unique_by=lambda row: row["id"])

_columns = st.sampled_from(ITEMS.columns)
_single = st.sampled_from([column for column in ITEMS.columns if column.kind != "set"])
_sets = st.sampled_from(["labels", "people"])


@st.composite
def _comparisons(draw: st.DrawFn) -> Condition:
    column = draw(_single)
    value = draw(texts if column.name in ITEMS.search else _POOLS[column.kind])
    return Compare(column.name, draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">="])), value)


@st.composite
def _lists(draw: st.DrawFn) -> Condition:
    column = draw(_single)
    return OneOf(column.name, tuple(draw(st.lists(_POOLS[column.kind], max_size=3))))


_leaves = (
    _comparisons()
    | _lists()
    | _columns.map(lambda column: IsNull(column.name))
    | st.builds(Contains, _sets, st.none() | st.sampled_from(["a", "b", "", '"', "{", "absent"]))
    | texts.map(Matches)
)

conditions: st.SearchStrategy[Condition] = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: All(tuple(parts)))
        | st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts)))
        | inner.map(Not)
    ),
    max_leaves=6,
)

_in_workspace = st.just(Compare("workspace", "=", identity(0)))
_open = st.just(OneOf("status", ("a", "b")))

questions: st.SearchStrategy[Condition] = conditions | st.tuples(_in_workspace, _open | conditions, conditions).map(All)
"""Often such as an index answers, in whole or in part."""

_sortable = [column.name for column in ITEMS.columns if column.kind != "set"]

orders = st.lists(st.builds(Order, st.sampled_from(_sortable), st.booleans()), max_size=3).map(tuple) | st.sampled_from(
    [(Order("due_at"),), (Order("due_at", True),), (Order("rank"),), (Order("size", True),)]
)
