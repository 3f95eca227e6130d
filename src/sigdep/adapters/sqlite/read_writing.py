"""What the one writer of the SQLite read store does: builds come and go, and a batch's changes are applied."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sigdep.adapters.sql.conditions import Compiler, quoted
from sigdep.adapters.sql.shapes import grouped, shape_of
from sigdep.adapters.sqlite.read_tables import SqliteDialect, StoredTable, stored_words
from sigdep.adapters.sqlite.read_values import rows_encoder
from sigdep.kernel.conditions import check, words_of
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.read_store import Changes, CheckpointMoved, Condition, Key, ModelGone, ModelId, Row, Table

VARIABLES_MAX: Final = 500
"""In one statement."""

CATALOG: Final = """
CREATE TABLE IF NOT EXISTS builds (
    build INTEGER PRIMARY KEY AUTOINCREMENT,  -- Never used twice.
    name TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    shape TEXT NOT NULL,
    tables TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('filling', 'live', 'retired'))
);
CREATE TABLE IF NOT EXISTS checkpoints (
    build INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (build, partition)
) WITHOUT ROWID;
"""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def state_of(connection: sqlite3.Connection, model: ModelId) -> str:
    """
    Raises:
        ModelGone: it has been dropped.
    """
    found = connection.execute("SELECT state FROM builds WHERE build = ?", (model.build,)).fetchone()
    if found is None:
        raise ModelGone(f"The read model {model} has been replaced. Please try again.")
    state: str = found[0]
    return state


class ReadWriter:
    """Every method is one transaction, called by one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tables: dict[tuple[ModelId, str], _TableWriter] = {}

    def create_catalog(self) -> None:
        # What is deleted is overwritten with zeros: people and workspaces are erased, and not just out of sight.
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.executescript(CATALOG)

    # ── builds ────────────────────────────────────────────────────────────────────────────────────────

    def prepare(self, name: str, tables: Sequence[Table], fingerprint: str) -> ModelId:
        shape = shape_of(tables)
        with transaction(self._connection):
            begun = self._connection.execute(
                "SELECT build FROM builds WHERE name = ? AND state = 'filling' AND fingerprint = ? AND shape = ?",
                (name, fingerprint, shape),
            ).fetchone()
            if begun is not None:
                return ModelId(name, begun[0])
            (build,) = self._connection.execute(
                "INSERT INTO builds (name, fingerprint, shape, tables, state) VALUES (?, ?, ?, ?, 'filling') "
                "RETURNING build",
                (name, fingerprint, shape, "\n".join(table.name for table in tables)),
            ).fetchone()
            model = ModelId(name, build)
            for table in tables:
                StoredTable(model, table).create(self._connection)
            return model

    def switch(self, model: ModelId, tables: Sequence[Table]) -> None:
        with transaction(self._connection):
            if state_of(self._connection, model) == "filling":
                for table in tables:
                    StoredTable(model, table).make_indexes(self._connection)
            self._connection.execute(
                "UPDATE builds SET state = 'retired' WHERE name = ? AND state = 'live'", (model.name,)
            )
            self._connection.execute("UPDATE builds SET state = 'live' WHERE build = ?", (model.build,))
        self._tables.clear()

    def sweep(self, name: str, keep: Collection[ModelId]) -> None:
        """Each build in a transaction of its own, so that nobody waits for all of them."""
        dropped = self._connection.execute(
            "SELECT build, tables FROM builds WHERE name = ? AND state != 'live'", (name,)
        ).fetchall()
        for build, tables in dropped:
            model = ModelId(name, build)
            if model in keep:
                continue
            with transaction(self._connection):
                for table in filter(None, tables.split("\n")):
                    StoredTable(model, Table(name=table, columns=(), key=())).drop(self._connection)
                self._connection.execute("DELETE FROM checkpoints WHERE build = ?", (build,))
                self._connection.execute("DELETE FROM builds WHERE build = ?", (build,))
        self._tables.clear()

    # ── batches ───────────────────────────────────────────────────────────────────────────────────────

    def commit(self, model: ModelId, changes: Changes, before: Positions, after: Positions) -> None:
        """What a wide delete takes is gone from the disk as well: that is how a read model forgets."""
        with transaction(self._connection):
            indexed = state_of(self._connection, model) != "filling"
            self._check_checkpoint(model, before)
            for table, where in changes.delete_where:
                self._writer(model, table, indexed).delete_where(where)
            for table, keys in grouped(changes.delete):
                self._writer(model, table, indexed).delete(keys)
            for table, rows in grouped(changes.put):
                self._writer(model, table, indexed).put(rows)
            self._connection.executemany(
                "INSERT INTO checkpoints VALUES (?, ?, ?) "
                "ON CONFLICT (build, partition) DO UPDATE SET position = excluded.position",
                [(model.build, partition, position) for partition, position in after.items()],
            )
        if changes.delete_where:
            # Old pages are in the write-ahead log still. Where a reader keeps it from ending, the next commits will
            # write over it.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def _check_checkpoint(self, model: ModelId, before: Positions) -> None:
        present = read_checkpoint(self._connection, model)
        for partition, position in before.items():
            if present.get(partition, 0) != position:
                raise CheckpointMoved(
                    f"{model} is at {present.get(partition, 0)} in partition {partition}, not at {position}."
                )

    def _writer(self, model: ModelId, table: Table, indexed: bool) -> "_TableWriter":
        writer = self._tables.get((model, table.name))
        if writer is None or writer.indexed != indexed:
            stored = StoredTable(model, table)
            writer = self._tables[model, table.name] = _TableWriter(self._connection, stored, indexed)
        return writer


def read_checkpoint(connection: sqlite3.Connection, model: ModelId) -> Positions:
    found = connection.execute("SELECT partition, position FROM checkpoints WHERE build = ?", (model.build,))
    return {Partition(partition): Position(position) for partition, position in found}


@dataclass(slots=True)
class _Present:
    """A row as it is stored, but for the bytes that are not in its key."""

    row: int
    values: dict[str, Any]


class _TableWriter:
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
        set_all = ", ".join(f"{quoted(c)} = excluded.{quoted(c)}" for c in columns if c not in self._table.key)
        self._connection.executemany(
            f"INSERT INTO {self._stored.relation} ({self._listed(columns)}) VALUES ({_places(len(columns))}) "
            f"ON CONFLICT ({self._listed(self._table.key)}) DO UPDATE SET {set_all}",
            rows,
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
