"""The tables of one build of a read model in SQLite: their names, their SQL, and what is derived from the rows."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sigdep.adapters.sql.conditions import Compiler, quoted
from sigdep.adapters.sqlite.read_values import SQL_TYPES, encode, set_members
from sigdep.kernel.read_store import Kind, ModelId, Table, Value


@dataclass(frozen=True)
class StoredTable:
    """One table of a build.

    Beside its own columns it has `#row`, by which everything else refers to the row, and `#words`, its words for
    full-text search. `<table>#sets` holds (field, value, row) for each member of a set column, and the FTS5 table
    `<table>#words` the words; the words are ours already (`kernel.words`), so that its tokenizer has only to split at
    spaces. Both come with the other indexes: a build that is being filled has none.
    """

    model: ModelId
    table: Table

    @property
    def relation(self) -> str:
        return quoted(f"{self.model}/{self.table.name}")

    @property
    def sets(self) -> str:
        return quoted(f"{self.model}/{self.table.name}#sets")

    @property
    def words(self) -> str:
        return quoted(f"{self.model}/{self.table.name}#words")

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Bytes last: long documents then lie on pages of their own that a filter does not touch."""
        columns = sorted(self.table.columns, key=lambda column: column.kind == "bytes")
        return tuple(column.name for column in columns)

    @cached_property
    def set_columns(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.table.columns if column.kind == "set")

    @property
    def is_searched(self) -> bool:
        return bool(self.table.search)

    def create(self, connection: sqlite3.Connection) -> None:
        columns = [f"{quoted(name)} {self._type(name)}" for name in self.columns]
        at = next((n for n, name in enumerate(self.columns) if self.table.kind(name) == "bytes"), len(columns))
        columns.insert(at, '"#words" TEXT NOT NULL')
        key = ", ".join(map(quoted, self.table.key))
        connection.execute(
            f'CREATE TABLE {self.relation} ("#row" INTEGER PRIMARY KEY, {", ".join(columns)}, UNIQUE ({key}))'
        )

    def _type(self, name: str) -> str:
        kind = self.table.kind(name)
        assert kind is not None
        return SQL_TYPES[kind] + (" NOT NULL" if name in self.table.key else "")

    def make_indexes(self, connection: sqlite3.Connection) -> None:
        for number, index in enumerate(self.table.indexes):
            name = quoted(f"{self.model}/{self.table.name}#{number}")
            rest = tuple(column for column in self.table.key if column not in index.columns)
            columns = ", ".join(map(quoted, (*index.columns, *rest)))
            connection.execute(f"CREATE INDEX {name} ON {self.relation} ({columns})")
        if self.set_columns:
            connection.execute(
                f'CREATE TABLE {self.sets} ("#field" INTEGER, "#value" TEXT, "#seed" INTEGER, '
                'PRIMARY KEY ("#field", "#value", "#seed")) WITHOUT ROWID'
            )
            self._fill_sets(connection)
        if self.is_searched:
            connection.execute(
                f"CREATE VIRTUAL TABLE {self.words} USING fts5("
                "words, content='', tokenize='ascii', detail=none, columnsize=0)"
            )
            connection.execute(
                f'INSERT INTO {self.words} (rowid, words) SELECT "#row", "#words" FROM {self.relation} '
                "WHERE \"#words\" != ''"
            )

    def _fill_sets(self, connection: sqlite3.Connection) -> None:
        for field, name in enumerate(self.set_columns):
            connection.execute(
                f'INSERT INTO {self.sets} SELECT {field}, member.value, "#row" '
                f"FROM {self.relation}, json_each({quoted(name)}) AS member WHERE {quoted(name)} != '[]' ORDER BY 2, 3"
            )

    def add_members(self, connection: sqlite3.Connection, added: Sequence[tuple[int, int, str]]) -> None:
        """Of (row, number of the set column, its stored value)."""
        connection.executemany(f"INSERT INTO {self.sets} VALUES (?, ?, ?)", _members(added))

    def remove_members(self, connection: sqlite3.Connection, removed: Sequence[tuple[int, int, str]]) -> None:
        connection.executemany(
            f'DELETE FROM {self.sets} WHERE "#field" = ? AND "#value" = ? AND "#seed" = ?', _members(removed)
        )

    def add_words(self, connection: sqlite3.Connection, added: Sequence[tuple[int, str]]) -> None:
        """Of (row, its words as stored)."""
        connection.executemany(f"INSERT INTO {self.words} (rowid, words) VALUES (?, ?)", added)

    def remove_words(self, connection: sqlite3.Connection, removed: Sequence[tuple[int, str]]) -> None:
        name = quoted(f"{self.model}/{self.table.name}#words")
        connection.executemany(f"INSERT INTO {self.words} ({name}, rowid, words) VALUES ('delete', ?, ?)", removed)

    def scrub_words(self, connection: sqlite3.Connection) -> None:
        """Write the index anew without the words that were removed: until it merges, FTS5 only marks them as gone."""
        name = quoted(f"{self.model}/{self.table.name}#words")
        connection.execute(f"INSERT INTO {self.words} ({name}) VALUES ('optimize')")

    def drop(self, connection: sqlite3.Connection) -> None:
        for name in (self.words, self.sets, self.relation):
            connection.execute(f"DROP TABLE IF EXISTS {name}")


def _members(of: Sequence[tuple[int, int, str]]) -> list[tuple[int, str, int]]:
    return [(field, member, row) for row, field, stored in of for member in set_members(stored)]


@dataclass(frozen=True)
class SqliteDialect:
    """SQL for one table: through its own indexes where it has them."""

    stored: StoredTable
    indexed: bool

    def parameter(self, number: int) -> str:
        return f"?{number}"

    def encode(self, value: Value, kind: Kind) -> Any:
        return encode(value, kind)

    def unindexed(self, column: str) -> str:
        return f"+{quoted(column)}"

    def contains(self, compiler: Compiler, column: str, value: str | None) -> str:
        if value is None:
            return f"{quoted(column)} != '[]'"
        bound = compiler.bind(value)
        if not self.indexed:
            return f"EXISTS (SELECT 1 FROM json_each({quoted(column)}) AS member WHERE member.value = {bound})"
        row = f'{self.stored.relation}."#row"'
        field = self.stored.set_columns.index(column)
        return (
            f'EXISTS (SELECT 1 FROM {self.stored.sets} WHERE "#field" = {field} AND "#value" = {bound} '
            f'AND "#seed" = {row})'
        )

    def matches(self, compiler: Compiler, words: Sequence[str]) -> str:
        """A look into each row's own words. Where few rows have them, `read_questions` begins at the index instead."""
        return "(" + " AND ".join(f'instr("#words", {compiler.bind(" " + word)}) > 0' for word in words) + ")"


def stored_words(words: Sequence[str]) -> str:
    """As `#words` holds them: each with a space before it, so that ` wo` is found where a word begins with `wo`."""
    return " " + " ".join(words) if words else ""
