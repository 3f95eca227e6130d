"""The read store in one SQLite file: one thread writes, a few read, and single rows are read where one stands."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from sigdep.adapters.sql.conditions import Compiler
from sigdep.adapters.sql.shapes import shape_of
from sigdep.adapters.sqlite.read_by_key import Getter
from sigdep.adapters.sqlite.read_errors import QUESTION_SECONDS_MAX, translated
from sigdep.adapters.sqlite.read_questions import Questions
from sigdep.adapters.sqlite.read_tables import SqliteDialect, StoredTable
from sigdep.adapters.sqlite.read_values import row_decoder
from sigdep.adapters.sqlite.read_writing import ReadWriter, has_indexes, read_checkpoint, state_of
from sigdep.kernel.conditions import check, check_select, full_order, only, sort_values
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Positions
from sigdep.kernel.read_store import Changes, Condition, Key, ModelId, Page, Row, Select, Table

T = TypeVar("T")

READERS: Final = 2
"""Threads that answer questions."""

QUESTIONS_WAITING_MAX: Final = 1_000

GET_AT_ONCE_MAX: Final = 20
"""As many rows are fetched in the event loop; it takes less time than to pass them to a thread and back."""

BUSY_SECONDS: Final = 5.0

CHECKPOINT_PAGES: Final = 8_000
"""Pages in the write-ahead log before they are written back, 32 MB: a batch writes many pages that the next one writes
again."""

_PROGRESS_INSTRUCTIONS: Final = 20_000


class SqliteReadStore:
    """See `ReadStore`. What is in it can be made anew from the log, so a commit does not wait for the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = ThreadPoolExecutor(1, "read-store-writer")
        self._reading = ThreadPoolExecutor(READERS, "read-store-reader")
        self._per_thread = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._waiting = 0
        self._closed = False
        self._questions = Questions()
        self._with_indexes: set[ModelId] = set()
        self._getters: dict[tuple[ModelId, str, tuple[str, ...] | None], Getter] = {}
        self._tables: dict[str, Sequence[Table]] = {}

    @classmethod
    async def open(cls, path: str | Path) -> "SqliteReadStore":
        """
        Raises:
            Unavailable: the file cannot be opened or is no database.
        """
        store = cls(Path(path))
        try:
            await store._write(store._open)
        except BaseException:
            await store.close()
            raise
        return store

    def _open(self) -> None:
        connection = self._connect()
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        self._writer = ReadWriter(connection)
        self._writer.create_catalog()
        self._here = self._connect(reading=True)

    def _connect(self, *, reading: bool = False) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute("PRAGMA temp_store = MEMORY")
        if reading:
            connection.execute("PRAGMA query_only = ON")
        self._connections.append(connection)
        return connection

    # ── builds ────────────────────────────────────────────────────────────────────────────────────────

    async def live(self, name: str, tables: Iterable[Table] | None, fingerprint: str | None = None) -> ModelId | None:
        shape = None if tables is None else shape_of(tables)
        with self._read_here() as connection:
            found = connection.execute(
                "SELECT build, fingerprint FROM builds WHERE name = ? AND state = 'live' AND coalesce(? = shape, true)",
                (name, shape),
            ).fetchone()
        return None if found is None or fingerprint not in (None, found[1]) else ModelId(name, found[0])

    async def prepare(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId:
        tables = list(tables)
        return await self._write(self._writer.prepare, name, tables, fingerprint)

    async def begun(self, name: str) -> Collection[ModelId]:
        with self._read_here() as connection:
            found = connection.execute("SELECT build FROM builds WHERE name = ? AND state = 'filling'", (name,))
            return [ModelId(name, build) for (build,) in found.fetchall()]

    async def index(self, model: ModelId, tables: Iterable[Table]) -> None:
        await self._write(self._writer.index, model, list(tables))

    async def indexed(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId | None:
        shape = shape_of(tables)
        with self._read_here() as connection:
            found = connection.execute(
                "SELECT build FROM builds JOIN indexed_builds USING (build)"
                " WHERE name = ? AND state = 'filling' AND fingerprint = ? AND shape = ?",
                (name, fingerprint, shape),
            ).fetchone()
        return None if found is None else ModelId(name, found[0])

    async def switch(self, model: ModelId, tables: Iterable[Table]) -> None:
        await self._write(self._writer.switch, model, list(tables))

    async def mark_mixed(self, model: ModelId) -> None:
        await self._write(self._writer.mark_mixed, model)

    async def sweep(self, name: str, keep: Collection[ModelId] = ()) -> None:
        await self._write(self._writer.sweep, name, keep)
        self._getters = {key: getter for key, getter in self._getters.items() if key[0].name != name}

    async def checkpoint(self, model: ModelId) -> Positions:
        with self._read_here() as connection:
            state_of(connection, model)
            return read_checkpoint(connection, model)

    async def commit(self, model: ModelId, changes: Changes, *, before: Positions, after: Positions) -> None:
        await self._write(self._writer.commit, model, changes, before, after)

    # ── questions ─────────────────────────────────────────────────────────────────────────────────────

    async def get(self, model: ModelId, table: Table, key: Key, columns: tuple[str, ...] | None = None) -> Row | None:
        with self._read_here() as connection:
            return self._getter(model, table, columns).one(connection, key)

    async def get_many(
        self, model: ModelId, table: Table, keys: Collection[Key], columns: tuple[str, ...] | None = None
    ) -> Mapping[Key, Row]:
        getter = self._getter(model, table, columns)
        if len(keys) > GET_AT_ONCE_MAX:
            return await self._read(getter.many, list(keys))
        with self._read_here() as connection:
            return getter.many(connection, keys)

    async def select(self, model: ModelId, select: Select) -> Page:
        check_select(select)
        return await self._read(self._select, model, select)

    def _select(self, connection: sqlite3.Connection, model: ModelId, select: Select) -> Page:
        stored = StoredTable(model, select.table)
        statement = self._questions.page(connection, stored, self._indexed(connection, model), select)
        found = connection.execute(statement.text, statement.parameters).fetchall()
        decode = row_decoder(select.table, statement.columns)
        rows = [decode(values) for values in found[: select.limit]]
        order = full_order(select.table, select.order)
        following = sort_values(rows[-1], order) if len(found) > select.limit else None
        if select.columns is not None:
            rows = [only(row, select.columns) for row in rows]
        return Page(rows, following)

    async def count(self, model: ModelId, table: Table, where: Condition) -> int:
        check(where, table)
        return await self._read(self._count, model, table, where)

    def _count(self, connection: sqlite3.Connection, model: ModelId, table: Table, where: Condition) -> int:
        stored = StoredTable(model, table)
        compiler = Compiler(SqliteDialect(stored, self._indexed(connection, model)), table)
        sql = f"SELECT count(*) FROM {stored.relation} WHERE {compiler.condition(where)}"
        counted: int = connection.execute(sql, compiler.parameters).fetchone()[0]
        return counted

    def _indexed(self, connection: sqlite3.Connection, model: ModelId) -> bool:
        """Once a build has its indexes it keeps them."""
        if model not in self._with_indexes:
            if not has_indexes(connection, model):
                return False
            self._with_indexes.add(model)
        return True

    def _getter(self, model: ModelId, table: Table, columns: tuple[str, ...] | None) -> Getter:
        getter = self._getters.get((model, table.name, columns))
        if getter is None:
            getter = self._getters[model, table.name, columns] = Getter(StoredTable(model, table), columns)
        return getter

    # ── threads ───────────────────────────────────────────────────────────────────────────────────────

    async def _write(self, work: Callable[..., T], *arguments: Any) -> T:
        def working() -> T:
            with translated():
                return work(*arguments)

        return await self._run(self._writing, working)

    async def _read(self, work: Callable[..., T], *arguments: Any) -> T:
        """
        Raises:
            Unavailable: too many are waiting, or it took too long.
        """
        if self._waiting >= QUESTIONS_WAITING_MAX:
            raise Unavailable("Too many questions are waiting for an answer. Please try again.")

        def working() -> T:
            with translated(), _hurried(self._own_connection()) as connection:
                return work(connection, *arguments)

        self._waiting += 1
        try:
            return await self._run(self._reading, working)
        finally:
            self._waiting -= 1

    async def _run(self, executor: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._closed:
            raise Unavailable("The read store is closed.")
        return await asyncio.get_running_loop().run_in_executor(executor, work)

    @contextmanager
    def _read_here(self) -> Iterator[sqlite3.Connection]:
        """In the event loop: for what takes microseconds."""
        if self._closed:
            raise Unavailable("The read store is closed.")
        with translated():
            yield self._here

    def _own_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._per_thread, "connection", None)
        if connection is None:
            connection = self._per_thread.connection = self._connect(reading=True)
        return connection

    async def close(self) -> None:
        """Finish what was begun. Safe to repeat."""
        if self._closed:
            return
        self._closed = True
        for executor in (self._reading, self._writing):
            await asyncio.to_thread(executor.shutdown)
        for connection in self._connections:
            with suppress(sqlite3.Error):
                connection.close()


@contextmanager
def _hurried(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A connection that interrupts its question after QUESTION_SECONDS_MAX."""
    deadline = time.monotonic() + QUESTION_SECONDS_MAX
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _PROGRESS_INSTRUCTIONS)
    try:
        yield connection
    finally:
        connection.set_progress_handler(None, 0)
