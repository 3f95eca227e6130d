"""The tables of one build of a read model in PostgreSQL: their names, their SQL, and how values are kept in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import msgspec

from sigdep.adapters.sql.conditions import Compiler, quoted
from sigdep.kernel.conditions import fits, words_of
from sigdep.kernel.errors import Invalid
from sigdep.kernel.read_store import Kind, ModelId, Row, Table, Value

NAME_BYTES_MAX: Final = 63
"""PostgreSQL cuts longer names without a word."""

SQL_TYPES: Final[dict[Kind, str]] = {
    "text": "text",
    "integer": "bigint",
    "real": "double precision",
    "boolean": "boolean",
    "bytes": "bytea",
    "uuid": "uuid",
    "instant": "timestamptz",
    "date": "date",
    "set": "text[]",
}

WORDS: Final = '"#words"'


def escaped(text: str) -> str:
    """PostgreSQL's text holds no NUL. This keeps the order of code points, and no two texts become the same."""
    if "\0" in text or "\x01" in text:
        return text.replace("\x01", "\x01\x02").replace("\0", "\x01\x01")
    return text


def unescaped(text: str) -> str:
    if "\x01" in text:
        return text.replace("\x01\x01", "\0").replace("\x01\x02", "\x01")
    return text


def encode(value: Value, kind: Kind) -> Any:
    """A value, not null, as asyncpg takes it.

    Raises:
        Invalid: it is of another kind.
    """
    if not fits(value, kind):
        raise Invalid(f"{value!r} is not of the kind {kind}.")
    return _ENCODERS[kind](value) if kind in _ENCODERS else value


def _instant_back(stored: datetime) -> datetime:
    """The first and the last instant of Python's years are kept as -infinity and infinity, and come without a zone."""
    return stored if stored.tzinfo is not None else stored.replace(tzinfo=UTC)


_ENCODERS: Final[dict[Kind, Callable[[Any], Any]]] = {"text": escaped, "real": float}
_DECODERS: Final[dict[Kind, Callable[[Any], Value]]] = {"text": unescaped, "instant": _instant_back, "set": frozenset}


@dataclass(frozen=True)
class StoredTable:
    """One table of a build. Beside its own columns it has `#words`: what `kernel.words` makes of its search columns."""

    model: ModelId
    table: Table

    @property
    def relation(self) -> str:
        return quoted(f"{self.model}/{self.table.name}")

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.table.columns)

    def create(self) -> str:
        """
        Raises:
            ValueError: the name is too long for PostgreSQL.
        """
        if len(f"{self.model}/{self.table.name}".encode()) > NAME_BYTES_MAX:
            raise ValueError(f"{self.model}/{self.table.name} is too long a name for a table in PostgreSQL.")
        columns = ", ".join(f"{quoted(column.name)} {self._type(column.name)}" for column in self.table.columns)
        key = ", ".join(map(quoted, self.table.key))
        return f"CREATE TABLE {self.relation} ({columns}, {WORDS} tsvector NOT NULL, PRIMARY KEY ({key}))"

    def _type(self, name: str) -> str:
        kind = self.table.kind(name)
        assert kind is not None
        collation = ' COLLATE "C"' if kind == "text" else ""
        return SQL_TYPES[kind] + collation + (" NOT NULL" if kind == "set" else "")

    def indexes(self) -> list[str]:
        """The statements that make them."""
        made = []
        for index in self.table.indexes:
            rest = tuple(column for column in self.table.key if column not in index.columns)
            made.append(f"CREATE INDEX ON {self.relation} ({', '.join(map(quoted, (*index.columns, *rest)))})")
        gin = [quoted(column.name) for column in self.table.columns if column.kind == "set"]
        if self.table.search:
            gin.append(WORDS)
        return [*made, *(f"CREATE INDEX ON {self.relation} USING gin ({column})" for column in gin)]

    def put(self) -> str:
        """Takes one array for each column, and one of the words, each row's parted by spaces."""
        names = (*(quoted(column.name) for column in self.table.columns), WORDS)
        places = ", ".join(f"${n}::{self._array(kind)}" for n, kind in enumerate(self._kinds(), 1))
        aliases = ", ".join(f"c{n}" for n in range(1, len(names) + 1))
        values = [
            # An array of arrays must be a rectangle, so each set comes as JSON.
            f"ARRAY(SELECT jsonb_array_elements_text(c{n}::jsonb))" if kind == "set" else f"c{n}"
            for n, kind in enumerate(self._kinds(), 1)
        ]
        values[-1] = f"array_to_tsvector(string_to_array({values[-1]}, ' '))"
        set_all = ", ".join(f"{name} = excluded.{name}" for name in names)
        return (
            f"INSERT INTO {self.relation} ({', '.join(names)}) "
            f"SELECT {', '.join(values)} FROM unnest({places}) AS put ({aliases}) "
            f"ON CONFLICT ({', '.join(map(quoted, self.table.key))}) DO UPDATE SET {set_all}"
        )

    def _kinds(self) -> tuple[Kind, ...]:
        return (*(column.kind for column in self.table.columns), "text")

    @staticmethod
    def _array(kind: Kind) -> str:
        return "text[]" if kind == "set" else f"{SQL_TYPES[kind]}[]"

    def encoded_row(self, row: Row) -> list[Any]:
        """One value for each array of `put`.

        Raises:
            Invalid: a value does not fit its column.
        """
        values = [self._encoded(row, column.name, column.kind) for column in self.table.columns]
        return [*values, " ".join(words_of(row, self.table)) if self.table.search else ""]

    def _encoded(self, row: Row, name: str, kind: Kind) -> Any:
        value = row[name]
        if value is None and kind != "set":
            return None
        try:
            stored = encode(value, kind)
        except Invalid:
            raise Invalid(f"{self.table.name}.{name} cannot hold {value!r}: it is of the kind {kind}.") from None
        return msgspec.json.encode(sorted(stored)).decode() if kind == "set" else stored

    def by_keys(self) -> str:
        """A condition that holds for the rows whose keys are in the arrays, one for each key column."""
        kinds = [self.table.kind(column) for column in self.table.key]
        places = ", ".join(f"${n}::{SQL_TYPES[kind]}[]" for n, kind in enumerate(kinds, 1) if kind is not None)
        return f"({', '.join(map(quoted, self.table.key))}) IN (SELECT * FROM unnest({places}))"

    def by_key(self) -> str:
        return " AND ".join(f"{quoted(column)} = ${n}" for n, column in enumerate(self.table.key, 1))

    def encoded_key(self, key: Sequence[Value]) -> list[Any]:
        return [encode(value, self._kind(column)) for column, value in zip(self.table.key, key, strict=True)]

    def _kind(self, column: str) -> Kind:
        kind = self.table.kind(column)
        assert kind is not None
        return kind

    def decoder(self, columns: Sequence[str]) -> Callable[[Sequence[Any]], Row]:
        """What turns stored values, in the order of the columns, into a row."""
        names = tuple(columns)
        decoders = [_DECODERS.get(self._kind(name)) for name in names]

        def decoded(stored: Sequence[Any]) -> Row:
            return {
                name: value if decoder is None or value is None else decoder(value)
                for name, decoder, value in zip(names, decoders, stored, strict=True)
            }

        return decoded


class PostgresDialect:
    """How PostgreSQL puts what differs."""

    def parameter(self, number: int) -> str:
        return f"${number}"

    def encode(self, value: Value, kind: Kind) -> Any:
        return encode(value, kind)

    def unindexed(self, column: str) -> str:
        """It knows from its statistics."""
        return quoted(column)

    def contains(self, compiler: Compiler, column: str, value: str | None) -> str:
        if value is None:
            return f"{quoted(column)} != '{{}}'"
        return f"{quoted(column)} @> ARRAY[{compiler.bind(value)}]::text[]"

    def matches(self, compiler: Compiler, words: Sequence[str]) -> str:
        # Words hold letters and digits only: nothing in them can leave the quotes.
        wanted = " & ".join(f"'{word}':*" for word in words)
        # It guesses that few rows hold such words, and would gather those of all workspaces before the keys.
        words_of_row = f"({WORDS} || '')" if compiler.by_key else WORDS
        return f"{words_of_row} @@ {compiler.bind(wanted)}::text::tsquery"
