"""What the one writer of the SQLite read store does: builds come and go, and a batch's changes are applied."""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sigdep.adapters.sql.shapes import grouped, shape_of
from sigdep.adapters.sqlite.read_rows import TableWriter
from sigdep.adapters.sqlite.read_tables import StoredTable
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.read_store import MIXED, Changes, CheckpointMoved, ModelGone, ModelId, Table

CATALOG: Final = """
CREATE TABLE IF NOT EXISTS builds (
    build INTEGER PRIMARY KEY AUTOINCREMENT,  -- Never used twice.
    name TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    shape TEXT NOT NULL,
    tables TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('filling', 'live', 'retired'))
);
CREATE TABLE IF NOT EXISTS indexed_builds (  -- Those that had their indexes before they were live.
    build INTEGER PRIMARY KEY
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


def has_indexes(connection: sqlite3.Connection, model: ModelId) -> bool:
    """
    Raises:
        ModelGone: it has been dropped.
    """
    if state_of(connection, model) != "filling":
        return True
    found = connection.execute("SELECT true FROM indexed_builds WHERE build = ?", (model.build,)).fetchone()
    return found is not None


class ReadWriter:
    """Every method is one transaction, called by one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tables: dict[tuple[ModelId, str], TableWriter] = {}

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

    def index(self, model: ModelId, tables: Sequence[Table]) -> None:
        with transaction(self._connection):
            if not has_indexes(self._connection, model):
                self._make_indexes(model, tables)
                self._connection.execute("INSERT INTO indexed_builds VALUES (?)", (model.build,))
        self._tables.clear()

    def _make_indexes(self, model: ModelId, tables: Sequence[Table]) -> None:
        for table in tables:
            StoredTable(model, table).make_indexes(self._connection)

    def switch(self, model: ModelId, tables: Sequence[Table]) -> None:
        with transaction(self._connection):
            if not has_indexes(self._connection, model):
                self._make_indexes(model, tables)
            self._connection.execute(
                "UPDATE builds SET state = 'retired' WHERE name = ? AND state = 'live'", (model.name,)
            )
            self._connection.execute("UPDATE builds SET state = 'live' WHERE build = ?", (model.build,))
        self._tables.clear()

    def mark_mixed(self, model: ModelId) -> None:
        with transaction(self._connection):
            state_of(self._connection, model)
            self._connection.execute("UPDATE builds SET fingerprint = ? WHERE build = ?", (MIXED, model.build))

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
                self._connection.execute("DELETE FROM indexed_builds WHERE build = ?", (build,))
                self._connection.execute("DELETE FROM builds WHERE build = ?", (build,))
        self._tables.clear()

    # ── batches ───────────────────────────────────────────────────────────────────────────────────────

    def commit(self, model: ModelId, changes: Changes, before: Positions, after: Positions) -> None:
        """What a wide delete takes is gone from the disk as well: that is how a read model forgets."""
        with transaction(self._connection):
            indexed = has_indexes(self._connection, model)
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

    def _writer(self, model: ModelId, table: Table, indexed: bool) -> TableWriter:
        writer = self._tables.get((model, table.name))
        if writer is None or writer.indexed != indexed:
            stored = StoredTable(model, table)
            writer = self._tables[model, table.name] = TableWriter(self._connection, stored, indexed)
        return writer


def read_checkpoint(connection: sqlite3.Connection, model: ModelId) -> Positions:
    found = connection.execute("SELECT partition, position FROM checkpoints WHERE build = ?", (model.build,))
    return {Partition(partition): Position(position) for partition, position in found}
