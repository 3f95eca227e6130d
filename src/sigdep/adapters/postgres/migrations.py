"""Brings a schema of a database to the shape that this release knows: once, whoever starts at the same time."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from sigdep.adapters.postgres.connecting import READ_SECONDS_MAX, Connection, connect, quoted
from sigdep.adapters.postgres.errors import OutOfOrder, translated

MIGRATION_SECONDS_MAX: Final = 600.0

DRAFT: Final = "draft"
"""The part in `schema_version` that says: something is being copied into this schema."""

Step = Sequence[str]
"""The SQL files that lead from one version to the next, run in one transaction."""


async def migrate(dsn: str, schema: str, part: str, steps: Sequence[Step], *, draft: bool = False) -> None:
    """Run the steps that the database has not seen. The first leads to version 1.

    Args:
        part: what the steps make, as in `event_store`: several parts may live in one schema.
        draft: open it also while it is a draft.

    Raises:
        OutOfOrder: a newer release has been here, or it is a draft.
        Unavailable: the database is away.
    """
    connection = await connect(dsn, "sigdep migration", command_seconds=MIGRATION_SECONDS_MAX)
    try:
        with translated():
            if await version_of(connection, schema, part) != len(steps):
                await _run(connection, schema, part, steps)
            if not draft and await version_of(connection, schema, DRAFT):
                raise OutOfOrder(
                    f"The {part.replace('_', ' ')} in schema {schema} is a copy that has been interrupted. Run the same"
                    " `sigdep migrate` to its end."
                )
    finally:
        with translated():
            await connection.close()


async def is_made(dsn: str, schema: str, part: str) -> bool:
    """Whether the part is there, in whatever version. Makes nothing.

    Raises:
        Unavailable: the database is away.
    """
    connection = await connect(dsn, "sigdep look", command_seconds=READ_SECONDS_MAX)
    try:
        with translated():
            return await version_of(connection, schema, part) > 0
    finally:
        with translated():
            await connection.close()


async def _run(connection: Connection, schema: str, part: str, steps: Sequence[Step]) -> None:
    async with connection.transaction():
        # One process at a time: CREATE … IF NOT EXISTS alone fails when two run it at once.
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"sigdep {schema}")
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
        await connection.execute(
            f"CREATE TABLE IF NOT EXISTS {schema}.schema_version (part text PRIMARY KEY, version integer NOT NULL)"
        )
        version = await version_of(connection, schema, part)
        if version > len(steps):
            raise OutOfOrder(
                f"The {part.replace('_', ' ')} in schema {schema} has version {version}, and this release knows"
                f" {len(steps)}: install the newer release that has been here."
            )
        for step in steps[version:]:
            for name in step:
                await connection.execute(statements(name, schema))
        await connection.execute(
            f"INSERT INTO {schema}.schema_version AS v (part, version) VALUES ($1, $2)"  # noqa: S608  A checked name.
            " ON CONFLICT (part) DO UPDATE SET version = excluded.version",
            part,
            len(steps),
        )


def statements(name: str, schema: str) -> str:
    """The SQL file of that name, for that schema."""
    source = files("sigdep.adapters.postgres").joinpath("sql", f"{name}.sql").read_text()
    return source.replace("{schema}", quoted(schema))


async def version_of(connection: Connection, schema: str, part: str) -> int:
    """Which version is there. 0: none."""
    if await connection.fetchval("SELECT to_regclass($1)", f"{quoted(schema)}.schema_version") is None:
        return 0
    found: int | None = await connection.fetchval(
        f"SELECT version FROM {schema}.schema_version WHERE part = $1",  # noqa: S608  A checked name.
        part,
    )
    return found or 0
