"""The read store in PostgreSQL: read models of one context in one schema, for any number of processes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from sigdep.adapters.postgres.connecting import Pool, open_pool, quoted
from sigdep.adapters.postgres.migrations import Step, migrate
from sigdep.adapters.postgres.read_builds import (
    COMMIT_SECONDS_MAX,
    Connection,
    index,
    lock,
    move_checkpoint,
    take_turns,
)
from sigdep.adapters.postgres.read_errors import asking
from sigdep.adapters.postgres.read_tables import PostgresDialect, StoredTable
from sigdep.adapters.sql.conditions import Compiler
from sigdep.adapters.sql.conditions import quoted as quoted_name
from sigdep.adapters.sql.pages import choose_walk, page_statement
from sigdep.adapters.sql.shapes import grouped, shape_of
from sigdep.kernel.conditions import check, check_select, full_order, only, sort_values
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.read_store import (
    MIXED,
    Changes,
    Condition,
    Key,
    ModelGone,
    ModelId,
    Page,
    Row,
    Select,
    Table,
)

MIGRATIONS: Final[Sequence[Step]] = (("read_store_1",), ("read_store_2",))

CONNECTIONS_MAX: Final = 8

QUESTION_SECONDS_MAX: Final = 2.0


class PostgresReadStore:
    """See `ReadStore`. What is in it can be made anew from the log, so a commit does not wait for the disk."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._dialect = PostgresDialect()

    @classmethod
    async def open(cls, dsn: str, *, schema: str) -> "PostgresReadStore":
        """
        Args:
            schema: made where it is missing; one for each context's read models.

        Raises:
            Unavailable: the database is away.
        """
        await migrate(dsn, schema, "read_store", MIGRATIONS)
        with asking():
            settings = {
                "application_name": "sigdep read store",
                "search_path": quoted(schema),
                "synchronous_commit": "off",
                "jit": "off",
                "max_parallel_workers_per_gather": "0",  # See `pages`: parts are given in their order.
            }
            return cls(
                await open_pool(dsn, settings, connections_max=CONNECTIONS_MAX, command_seconds=QUESTION_SECONDS_MAX)
            )

    # ── builds ────────────────────────────────────────────────────────────────────────────────────────

    async def live(self, name: str, tables: Iterable[Table] | None, fingerprint: str | None = None) -> ModelId | None:
        with asking():
            found = await self._pool.fetchrow(
                "SELECT build, fingerprint FROM build"
                " WHERE name = $1 AND state = 'live' AND coalesce(shape = $2, true)",
                name,
                None if tables is None else shape_of(tables),
            )
        if found is None or fingerprint not in (None, found["fingerprint"]):
            return None
        return ModelId(name, found["build"])

    async def prepare(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId:
        tables = list(tables)
        with asking():
            async with self._pool.acquire() as connection, connection.transaction():
                await take_turns(connection, name)
                begun = await connection.fetchval(
                    "SELECT build FROM build WHERE name = $1 AND state = 'filling' AND fingerprint = $2 AND shape = $3",
                    name,
                    fingerprint,
                    shape_of(tables),
                )
                if begun is not None:
                    return ModelId(name, begun)
                model = ModelId(
                    name,
                    await connection.fetchval(
                        "INSERT INTO build (name, fingerprint, shape, tables, state)"
                        " VALUES ($1, $2, $3, $4, 'filling') RETURNING build",
                        name,
                        fingerprint,
                        shape_of(tables),
                        [table.name for table in tables],
                    ),
                )
                for table in tables:
                    await connection.execute(StoredTable(model, table).create())
        return model

    async def begun(self, name: str) -> Collection[ModelId]:
        with asking():
            found = await self._pool.fetch("SELECT build FROM build WHERE name = $1 AND state = 'filling'", name)
        return [ModelId(name, build) for (build,) in found]

    async def index(self, model: ModelId, tables: Iterable[Table]) -> None:
        with asking():
            async with self._pool.acquire() as connection, connection.transaction():
                await take_turns(connection, model.name)
                await index(connection, model, tables)

    async def indexed(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId | None:
        with asking():
            found = await self._pool.fetchval(
                "SELECT build FROM build WHERE name = $1 AND state = 'filling' AND indexed AND fingerprint = $2"
                " AND shape = $3",
                name,
                fingerprint,
                shape_of(tables),
            )
        return None if found is None else ModelId(name, found)

    async def switch(self, model: ModelId, tables: Iterable[Table]) -> None:
        with asking():
            async with self._pool.acquire() as connection, connection.transaction():
                await take_turns(connection, model.name)
                await index(connection, model, tables)
                await connection.execute(
                    "UPDATE build SET state = 'retired' WHERE name = $1 AND state = 'live'", model.name
                )
                await connection.execute("UPDATE build SET state = 'live' WHERE build = $1", model.build)

    async def mark_mixed(self, model: ModelId) -> None:
        with asking():
            async with self._pool.acquire() as connection, connection.transaction():
                await lock(connection, model)
                await connection.execute("UPDATE build SET fingerprint = $2 WHERE build = $1", model.build, MIXED)

    async def sweep(self, name: str, keep: Collection[ModelId] = ()) -> None:
        kept = [model.build for model in keep]
        with asking():
            async with self._pool.acquire() as connection, connection.transaction():
                await take_turns(connection, name)
                dropped = await connection.fetch(
                    "DELETE FROM build WHERE name = $1 AND state != 'live' AND build != ALL ($2::bigint[])"
                    " RETURNING build, tables",
                    name,
                    kept,
                )
                for build, tables in dropped:
                    for table in tables:
                        relation = StoredTable(ModelId(name, build), Table(name=table, columns=(), key=())).relation
                        await connection.execute(f"DROP TABLE {relation}", timeout=COMMIT_SECONDS_MAX)

    async def checkpoint(self, model: ModelId) -> Positions:
        with asking():
            found = await self._pool.fetch(
                "SELECT partition, position FROM build LEFT JOIN checkpoint USING (build) WHERE build = $1",
                model.build,
            )
        if not found:
            raise ModelGone(f"The read model {model} has been replaced. Please try again.")
        return {Partition(row[0]): Position(row[1]) for row in found if row[0] is not None}

    # ── batches ───────────────────────────────────────────────────────────────────────────────────────

    async def commit(self, model: ModelId, changes: Changes, *, before: Positions, after: Positions) -> None:
        for table, where in changes.delete_where:
            check(where, table)
        with asking():
            async with self._pool.acquire() as connection, connection.transaction():
                await lock(connection, model)
                await move_checkpoint(connection, model, before, after)
                for table, where in changes.delete_where:
                    await self._delete_where(connection, StoredTable(model, table), where)
                for table, keys in grouped(changes.delete):
                    await _delete(connection, StoredTable(model, table), keys)
                for table, rows in grouped(changes.put):
                    await _put(connection, StoredTable(model, table), rows)

    async def _delete_where(self, connection: Connection, stored: StoredTable, where: Condition) -> None:
        compiler = Compiler(self._dialect, stored.table)
        statement = f"DELETE FROM {stored.relation} WHERE {compiler.condition(where)}"
        await connection.execute(statement, *compiler.parameters, timeout=COMMIT_SECONDS_MAX)

    # ── questions ─────────────────────────────────────────────────────────────────────────────────────

    async def get(self, model: ModelId, table: Table, key: Key, columns: tuple[str, ...] | None = None) -> Row | None:
        stored = StoredTable(model, table)
        wanted = columns if columns is not None else stored.columns
        listed = ", ".join(map(quoted_name, wanted))
        with asking():
            found = await self._pool.fetchrow(
                f"SELECT {listed} FROM {stored.relation} WHERE {stored.by_key()}", *stored.encoded_key(key)
            )
        return None if found is None else stored.decoder(wanted)(tuple(found))

    async def get_many(
        self, model: ModelId, table: Table, keys: Collection[Key], columns: tuple[str, ...] | None = None
    ) -> Mapping[Key, Row]:
        stored = StoredTable(model, table)
        wanted = columns if columns is not None else stored.columns
        fetched = tuple(dict.fromkeys((*table.key, *wanted)))
        with asking():
            found = await self._pool.fetch(
                f"SELECT {', '.join(map(quoted_name, fetched))} FROM {stored.relation} WHERE {stored.by_keys()}",
                *_columns_of([stored.encoded_key(key) for key in keys], len(table.key)),
            )
        decode = stored.decoder(fetched)
        rows = [decode(tuple(values)) for values in found]
        return {tuple(row[column] for column in table.key): only(row, wanted) for row in rows}

    async def select(self, model: ModelId, select: Select) -> Page:
        check_select(select)
        stored = StoredTable(model, select.table)
        statement = page_statement(self._dialect, stored.relation, select, choose_walk(select))
        with asking():
            found = await self._pool.fetch(statement.text, *statement.parameters)
        decode = stored.decoder(statement.columns)
        rows = [decode(tuple(values)) for values in found[: select.limit]]
        order = full_order(select.table, select.order)
        following = sort_values(rows[-1], order) if len(found) > select.limit else None
        if select.columns is not None:
            rows = [only(row, select.columns) for row in rows]
        return Page(rows, following)

    async def count(self, model: ModelId, table: Table, where: Condition) -> int:
        check(where, table)
        stored, compiler = StoredTable(model, table), Compiler(self._dialect, table)
        statement = f"SELECT count(*) FROM {stored.relation} WHERE {compiler.condition(where)}"
        with asking():
            counted: int = await self._pool.fetchval(statement, *compiler.parameters)
        return counted

    async def close(self) -> None:
        with asking():
            await self._pool.close()


async def _delete(connection: Connection, stored: StoredTable, keys: Sequence[Key]) -> None:
    await connection.execute(
        f"DELETE FROM {stored.relation} WHERE {stored.by_keys()}",
        *_columns_of([stored.encoded_key(key) for key in keys], len(stored.table.key)),
        timeout=COMMIT_SECONDS_MAX,
    )


async def _put(connection: Connection, stored: StoredTable, rows: Sequence[Row]) -> None:
    # Where a key comes twice, the last row is the one that was meant.
    by_key = {tuple(row[column] for column in stored.table.key): row for row in rows}
    encoded = [stored.encoded_row(row) for row in by_key.values()]
    columns = _columns_of(encoded, len(stored.columns) + 1)
    await connection.execute(stored.put(), *columns, timeout=COMMIT_SECONDS_MAX)


def _columns_of(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """One list for each column."""
    return [[row[place] for row in rows] for place in range(width)]
