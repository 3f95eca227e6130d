"""Changes the rows of one table in SQLite, and with them whatever is derived from them."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

from sigdep.adapters.sql.conditions import Compiler, quoted
from sigdep.adapters.sqlite.read_tables import SqliteDialect, StoredTable, stored_words
from sigdep.adapters.sqlite.read_values import rows_encoder
from sigdep.kernel.conditions import check, words_of
from sigdep.kernel.read_store import Condition, Key, Row

VARIABLES_MAX: Final = 500
"""In one statement."""

ROWS_AT_ONCE: Final = 250
"""In one statement while a build is filled. The driver lets go of the interpreter for each run of a statement, and who
wants it back from a thread that computes waits for milliseconds: the fewer runs, the more is done side by side."""


@dataclass(slots=True)
class _Present:
    """A row as it is stored, but for the bytes that are not in its key."""

    row: int
    values: dict[str, Any]


class TableWriter:
    """Changes the rows of one table, and where it has indexes of our own, those with them."""

    def __init__(self, connection: sqlite3.Connection, stored: StoredTable, indexed: bool) -> None:
        self.indexed = indexed
        self._connection = connection
        self._stored = stored
        self._table = stored.table
        self._columns = stored.columns
        self._encode = rows_encoder(self._table, self._columns)
        self._encode_keys = rows_encoder(self._table, self._table.key)
        key = self._table.key
        self._compared = (*(c for c in self._columns if c in key or self._table.kind(c) != "bytes"), "#words")
        self._derived = indexed and bool(stored.set_columns or stored.is_searched)

    # ── deleting ──────────────────────────────────────────────────────────────────────────────────────

    def delete_where(self, where: Condition) -> None:
        check(where, self._table)
        compiler = Compiler(SqliteDialect(self._stored, self.indexed), self._table)
        sql = compiler.condition(where)
        if not self._derived:
            self._connection.execute(f"DELETE FROM {self._stored.relation} WHERE {sql}", compiler.parameters)
        elif present := self._present(sql, compiler.parameters):
            self._forget(present)
            if self._stored.is_searched:
                self._stored.scrub_words(self._connection)

    def delete(self, keys: Sequence[Key]) -> None:
        encoded = self._encode_keys([dict(zip(self._table.key, key, strict=True)) for key in keys])
        if self._derived:
            self._forget(list(self._present_by_key(encoded).values()))
        else:
            self._connection.executemany(
                f"DELETE FROM {self._stored.relation} WHERE ({self._listed(self._table.key)}) "
                f"= ({_places(len(self._table.key))})",
                encoded,
            )

    def _forget(self, rows: Sequence[_Present]) -> None:
        self._connection.executemany(
            f'DELETE FROM {self._stored.relation} WHERE "#row" = ?', [(present.row,) for present in rows]
        )
        if self._stored.set_columns:
            self._stored.remove_members(self._connection, [one for present in rows for one in self._sets_of(present)])
        if self._stored.is_searched:
            words = [(present.row, present.values["#words"]) for present in rows if present.values["#words"]]
            self._stored.remove_words(self._connection, words)

    # ── putting ───────────────────────────────────────────────────────────────────────────────────────

    def put(self, rows: Sequence[Row]) -> None:
        columns = (*self._columns, "#words")
        words = [self._words_in(row) for row in rows]
        encoded = [(*values, said) for values, said in zip(self._encode(rows), words, strict=True)]
        if not self.indexed:
            self._upsert(columns, encoded)
            return
        # Where a key comes twice, the last row is the one that was meant.
        wanted = dict(zip(self._encode_keys(rows), encoded, strict=True))
        present = self._present_by_key(wanted)
        changed: list[tuple[_Present, dict[str, Any]]] = []
        added: list[dict[str, Any]] = []
        for key, values in wanted.items():
            row = dict(zip(columns, values, strict=True))
            old = present.get(key)
            if old is None:
                added.append(row)
            else:
                changed.append((old, row))
        self._insert(columns, added)
        self._update(changed)

    def _upsert(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        whole = len(rows) - len(rows) % ROWS_AT_ONCE
        statement = self._upserting(columns, ROWS_AT_ONCE)
        for first in range(0, whole, ROWS_AT_ONCE):
            self._connection.execute(statement, list(chain.from_iterable(rows[first : first + ROWS_AT_ONCE])))
        self._connection.executemany(self._upserting(columns, 1), rows[whole:])

    def _upserting(self, columns: Sequence[str], rows: int) -> str:
        set_all = ", ".join(f"{quoted(c)} = excluded.{quoted(c)}" for c in columns if c not in self._table.key)
        return (
            f"INSERT INTO {self._stored.relation} ({self._listed(columns)}) "
            f"VALUES {', '.join([f'({_places(len(columns))})'] * rows)} "
            f"ON CONFLICT ({self._listed(self._table.key)}) DO UPDATE SET {set_all}"
        )

    def _insert(self, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        (last,) = self._connection.execute(f'SELECT coalesce(max("#row"), 0) FROM {self._stored.relation}').fetchone()
        numbered = [_Present(number, row) for number, row in enumerate(rows, last + 1)]
        self._connection.executemany(
            f'INSERT INTO {self._stored.relation} ("#row", {self._listed(columns)}) '
            f"VALUES ({_places(len(columns) + 1)})",
            [(present.row, *present.values.values()) for present in numbered],
        )
        if self._stored.set_columns:
            self._stored.add_members(self._connection, [one for present in numbered for one in self._sets_of(present)])
        if self._stored.is_searched:
            words = [(present.row, present.values["#words"]) for present in numbered if present.values["#words"]]
            self._stored.add_words(self._connection, words)

    def _update(self, rows: Sequence[tuple[_Present, dict[str, Any]]]) -> None:
        """Set only what is different, so that only those indexes are touched that hold it."""
        groups: dict[tuple[str, ...], list[Sequence[Any]]] = defaultdict(list)
        for old, new in rows:
            columns = tuple(c for c, value in new.items() if c not in old.values or old.values[c] != value)
            if columns:
                groups[columns].append((*(new[c] for c in columns), old.row))
        for columns, values in groups.items():
            set_them = ", ".join(f"{quoted(c)} = ?" for c in columns)
            self._connection.executemany(f'UPDATE {self._stored.relation} SET {set_them} WHERE "#row" = ?', values)
        if self._derived:
            self._update_derived([(old, _Present(old.row, new)) for old, new in rows])

    def _update_derived(self, rows: Sequence[tuple[_Present, _Present]]) -> None:
        resettled = [
            (old, new) for old, new in rows if any(old.values[c] != new.values[c] for c in self._stored.set_columns)
        ]
        if resettled:
            self._stored.remove_members(self._connection, [one for old, _ in resettled for one in self._sets_of(old)])
            self._stored.add_members(self._connection, [one for _, new in resettled for one in self._sets_of(new)])
        reworded = [(old, new) for old, new in rows if old.values["#words"] != new.values["#words"]]
        if reworded and self._stored.is_searched:
            gone = [(old.row, old.values["#words"]) for old, _ in reworded if old.values["#words"]]
            came = [(new.row, new.values["#words"]) for _, new in reworded if new.values["#words"]]
            self._stored.remove_words(self._connection, gone)
            self._stored.add_words(self._connection, came)

    # ── what is there ─────────────────────────────────────────────────────────────────────────────────

    def _present_by_key(self, keys: Iterable[Sequence[Any]]) -> Mapping[Key, _Present]:
        """The stored rows by their encoded keys."""
        found: dict[Key, _Present] = {}
        remaining = iter(keys)
        width = len(self._table.key)
        listed = self._listed(self._table.key)
        while some := list(islice(remaining, VARIABLES_MAX // width)):
            rows = ", ".join([f"({_places(width)})"] * len(some))
            where = f"{listed} IN ({rows})" if width == 1 else f"({listed}) IN (VALUES {rows})"
            for present in self._present(where, [value for key in some for value in key]):
                found[tuple(present.values[c] for c in self._table.key)] = present
        return found

    def _present(self, where: str, parameters: Sequence[Any]) -> list[_Present]:
        rows = self._connection.execute(
            f'SELECT "#row", {self._listed(self._compared)} FROM {self._stored.relation} WHERE {where}', parameters
        )
        return [_Present(row, dict(zip(self._compared, values, strict=True))) for row, *values in rows]

    def _sets_of(self, present: _Present) -> list[tuple[int, int, str]]:
        return [(present.row, field, present.values[c]) for field, c in enumerate(self._stored.set_columns)]

    def _words_in(self, row: Row) -> str:
        return stored_words(words_of(row, self._table)) if self._table.search else ""

    @staticmethod
    def _listed(columns: Sequence[str]) -> str:
        return ", ".join(map(quoted, columns))


def _places(count: int) -> str:
    return ", ".join("?" * count)
