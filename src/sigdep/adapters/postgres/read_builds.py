"""What transactions of the read store in PostgreSQL do to a build: hold it, make its indexes, move its checkpoint."""

from collections.abc import Iterable
from typing import Final, TypeAlias

import asyncpg

from sigdep.adapters.postgres.read_tables import StoredTable
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.read_store import CheckpointMoved, ModelGone, ModelId, Table

COMMIT_SECONDS_MAX: Final = 60.0
BUILD_SECONDS_MAX: Final = 3_600.0
"""For the indexes of a whole read model."""

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


async def take_turns(connection: Connection, name: str) -> None:
    """One process at a time makes and drops builds of a name."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' ' || $1, 0))",
        name,
        timeout=BUILD_SECONDS_MAX,
    )


async def lock(connection: Connection, model: ModelId) -> None:
    """Hold the build until the transaction ends, so that one batch comes after the other.

    Raises:
        ModelGone: it has been dropped.
    """
    found = await connection.fetchval(
        "SELECT build FROM build WHERE build = $1 FOR NO KEY UPDATE", model.build, timeout=COMMIT_SECONDS_MAX
    )
    if found is None:
        raise ModelGone(f"The read model {model} has been replaced. Please try again.")


async def index(connection: Connection, model: ModelId, tables: Iterable[Table]) -> None:
    """Make the indexes that it has not."""
    await lock(connection, model)
    lacked = await connection.fetchval(
        "UPDATE build SET indexed = true WHERE build = $1 AND state = 'filling' AND NOT indexed RETURNING true",
        model.build,
    )
    if not lacked:
        return
    for table in tables:
        for statement in StoredTable(model, table).indexes():
            await connection.execute(statement, timeout=BUILD_SECONDS_MAX)
        await connection.execute(f"ANALYZE {StoredTable(model, table).relation}", timeout=BUILD_SECONDS_MAX)


async def move_checkpoint(connection: Connection, model: ModelId, before: Positions, after: Positions) -> None:
    # What a statement changes in its WITH, it does not see: it is told where the checkpoint was.
    found = await connection.fetch(
        "WITH moved AS (INSERT INTO checkpoint SELECT $1, * FROM unnest($2::smallint[], $3::bigint[])"
        " ON CONFLICT (build, partition) DO UPDATE SET position = excluded.position)"
        " SELECT partition, position FROM checkpoint WHERE build = $1",
        model.build,
        list(after.keys()),
        list(after.values()),
    )
    present = {Partition(row[0]): Position(row[1]) for row in found}
    for partition, position in before.items():
        if present.get(partition, 0) != position:
            raise CheckpointMoved(
                f"{model} is at {present.get(partition, 0)} in partition {partition}, not at {position}."
            )
