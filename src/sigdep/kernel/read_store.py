"""The port of the read store: the rows of read models, their checkpoints, and questions to them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, Protocol
from uuid import UUID

from msgspec import Struct

from sigdep.kernel.errors import SigdepError, Unavailable
from sigdep.kernel.ids import Positions

PAGE_ROWS_MAX: Final = 1_000

MIXED: Final = "mixed"
"""In place of its fingerprint, of a build to which code of several has written. It is nobody's own."""

Value = str | int | float | bool | bytes | UUID | datetime | date | frozenset[str] | None
"""Instants are UTC with microseconds, integers have 64 bits, no real is NaN, no text holds half a surrogate pair.
A set column holds strings without NUL (ids in their text form)."""

Row = Mapping[str, Value]
Key = tuple[Value, ...]
"""The values of a table's key columns, in their order."""

Kind = Literal["text", "integer", "real", "boolean", "bytes", "uuid", "instant", "date", "set"]


class Column(Struct, frozen=True):
    """One column. Every column may be null, but for those of the key; a set is never null."""

    name: str
    kind: Kind


class Index(Struct, frozen=True):
    """Rows in the order of these columns, for the questions that filter and sort by them."""

    columns: tuple[str, ...]


class Table(Struct, frozen=True, kw_only=True):
    """The shape of one table of a read model. Set columns are kept in an indexed side table."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    indexes: tuple[Index, ...] = ()
    search: tuple[str, ...] = ()
    """Text columns in the full-text index."""
    documents: str = ""
    """Names the shape of what a store cannot look into. Rows with documents of another shape are another table's."""

    def kind(self, column: str) -> Kind | None:
        """None: the table has no such column."""
        for one in self.columns:
            if one.name == column:
                return one.kind
        return None


# ── conditions: two-valued logic. A comparison with null is false, and its Not is true. ──────────────────


class Compare(Struct, frozen=True, tag=True):
    """column op value. Text compares by code point, false < true. The value is never None."""

    column: str
    op: Literal["=", "!=", "<", "<=", ">", ">="]
    value: Value


class IsNull(Struct, frozen=True, tag=True):
    column: str


class OneOf(Struct, frozen=True, tag=True):
    column: str
    values: tuple[Value, ...]


class Contains(Struct, frozen=True, tag=True):
    """A set column holds the value. `Contains(c, None)`: it holds anything at all."""

    column: str
    value: str | None


class Matches(Struct, frozen=True, tag=True):
    """Every word of the text begins a word in the table's search columns, without regard to case and accents.

    What a word is, and how many of them count, says `kernel.words`. A text without any word matches nothing.
    """

    text: str


class All(Struct, frozen=True, tag=True):
    """True when there are no parts."""

    parts: tuple["Condition", ...]


class Any(Struct, frozen=True, tag=True):
    """False when there are no parts."""

    parts: tuple["Condition", ...]


class Not(Struct, frozen=True, tag=True):
    part: "Condition"


Condition = Compare | IsNull | OneOf | Contains | Matches | All | Any | Not


class Order(Struct, frozen=True):
    column: str
    descending: bool = False
    """Null comes last either way."""


class Select(Struct, frozen=True, kw_only=True):
    """A page of a table's rows.

    The key is always the last to sort by, in the direction of the column before it (ascending where there is none):
    so the order is total, and one index serves both directions.
    """

    table: Table
    where: Condition = All(())
    order: tuple[Order, ...] = ()
    after: tuple[Value, ...] | None = None
    """The sort values and the key of the row that the page follows, as `Page.next` gave them."""
    limit: int = 50
    columns: tuple[str, ...] | None = None
    """Which to fetch; None: all."""


class Page(Struct, frozen=True):
    rows: Sequence[Row]
    next: tuple[Value, ...] | None
    """For `Select.after`. None: there are no more."""


class ModelId(Struct, frozen=True):
    """A read model in one of its builds: a rebuild writes beside the live one under a new number, never used before."""

    name: str
    build: int

    def __str__(self) -> str:
        return f"{self.name}@{self.build}"


class CheckpointMoved(SigdepError):
    """Another projector has moved the checkpoint. Nothing was written."""


class ModelGone(Unavailable):
    """This build of the read model has been dropped: another is live."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What one batch of events does to the rows. Applied in this order: the wide deletes, deletes, puts."""

    delete_where: Sequence[tuple[Table, Condition]]
    delete: Sequence[tuple[Table, Key]]
    put: Sequence[tuple[Table, Row]]
    """Whole rows, inserted or replaced by key."""


class ReadStore(Protocol):
    """Rows and checkpoints of one context's read models.

    A batch's rows and its checkpoint commit together, and no question ever sees half of them. A build answers every
    question from the start; the indexes that make it quick come with `index`, or when it is switched to.

    Every method that names a build raises ModelGone where it has been dropped, and every method raises Unavailable
    while the database is away.
    """

    async def live(self, name: str, tables: Iterable[Table] | None, fingerprint: str | None = None) -> ModelId | None:
        """The live build of a read model, or None.

        None too where it has other tables than these, or was not made with a given fingerprint and no other.

        Args:
            tables: None: whatever they are.
        """
        ...

    async def prepare(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId:
        """A build to fill beside the live one: created, or taken up again where one was begun with this fingerprint."""
        ...

    async def begun(self, name: str) -> Collection[ModelId]:
        """The builds of a name that are being filled, or were left: none of them has ever been live."""
        ...

    async def index(self, model: ModelId, tables: Iterable[Table]) -> None:
        """Make its indexes before it is the live build, so that it is quick to read from. Safe to repeat."""
        ...

    async def indexed(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId | None:
        """One that `prepare` would take up again, and that has its indexes. None: there is none."""
        ...

    async def switch(self, model: ModelId, tables: Iterable[Table]) -> None:
        """Make the indexes that it has not, and make it the live build, in one transaction.

        Others of its name retire: see `sweep`.
        """
        ...

    async def mark_mixed(self, model: ModelId) -> None:
        """Say of a build that code of another fingerprint is about to write to it: then `live` finds it by none.

        Safe to repeat.
        """
        ...

    async def sweep(self, name: str, keep: Collection[ModelId] = ()) -> None:
        """Drop every build of the name but the live one and those to keep. Nobody may be reading them any more."""
        ...

    async def checkpoint(self, model: ModelId) -> Positions: ...

    async def commit(self, model: ModelId, changes: Changes, *, before: Positions, after: Positions) -> None:
        """Apply the changes and move the checkpoint in one transaction.

        `before` and `after` name the same partitions, and only those that move. Both empty: the changes alone.

        Raises:
            CheckpointMoved: the checkpoint is not at `before`.
            Invalid: a value does not fit its column.
        """
        ...

    async def get(self, model: ModelId, table: Table, key: Key, columns: tuple[str, ...] | None = None) -> Row | None:
        """One row, or these columns of it. Quick enough to be called for each request."""
        ...

    async def get_many(
        self, model: ModelId, table: Table, keys: Collection[Key], columns: tuple[str, ...] | None = None
    ) -> Mapping[Key, Row]:
        """The rows that exist, by their keys."""
        ...

    async def select(self, model: ModelId, select: Select) -> Page:
        """A page, in order.

        Raises:
            Invalid: a column does not exist, a value does not fit its kind, or a limit of `conditions` is passed.
        """
        ...

    async def count(self, model: ModelId, table: Table, where: Condition) -> int:
        """How many rows there are. Its cost grows with the answer.

        Raises:
            Invalid: as `select`.
        """
        ...

    async def close(self) -> None: ...
