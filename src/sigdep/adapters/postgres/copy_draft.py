# ruff: noqa: S608  The schema's name has been checked.
"""What a schema is while something is being copied into it: a draft, marked beside its version."""

from collections.abc import Sequence
from typing import Final

from sigdep.adapters.postgres.connecting import Connection, connect, quoted
from sigdep.adapters.postgres.errors import OutOfOrder, translated
from sigdep.adapters.postgres.migrations import DRAFT, Step, migrate, version_of
from sigdep.kernel.log_copy import TargetTaken

COPY_SECONDS_MAX: Final = 120.0
"""For one statement: the longest stores a portion, or rewrites a table of keys."""

COPYING: Final = "sigdep migrate"
"""What the connections are called in `pg_stat_activity`."""


async def open_source(dsn: str, schema: str, part: str, steps: int) -> Connection:
    """A connection to a database that has the part in this schema, in the present version.

    Raises:
        OutOfOrder: it has not, or only a draft of it.
        Unavailable: the database is away.
    """
    connection = await connect(dsn, COPYING, command_seconds=COPY_SECONDS_MAX)
    try:
        with translated():
            version = await version_of(connection, quoted(schema), part)
            draft = await version_of(connection, schema, DRAFT)
        what = part.replace("_", " ")
        if not version:
            raise OutOfOrder(f"The database has no {what} in schema {schema}. Check its address.")
        if draft:
            raise OutOfOrder(f"The {what} in schema {schema} is a copy that has been interrupted: finish that first.")
        if version != steps:
            raise OutOfOrder(
                f"The {what} in schema {schema} has version {version}, and this release knows {steps}: start this"
                " release on it once, or install the one that has been here."
            )
    except BaseException:
        connection.terminate()
        raise
    return connection


async def open_target(dsn: str, schema: str, part: str, steps: Sequence[Step]) -> Connection:
    """A connection to a database with the part in this schema, made anew where it is missing.

    Raises:
        OutOfOrder: a newer release has been here, or the database cannot be used.
        Unavailable: it is away.
    """
    await migrate(dsn, quoted(schema), part, steps, draft=True)
    return await connect(dsn, COPYING, command_seconds=COPY_SECONDS_MAX, synchronous_commit="on")


async def begin_draft(connection: Connection, schema: str, table: str, condition: str) -> bool:
    """Mark the schema if the table has no row of this condition. False: it has, and the schema has no mark."""
    with translated():
        if await version_of(connection, schema, DRAFT):
            return True
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {schema}.{table} WHERE {condition})"):
            return False
        await connection.execute(
            f"INSERT INTO {schema}.schema_version (part, version) VALUES ($1, 1) ON CONFLICT DO NOTHING", DRAFT
        )
        return True


async def finish_draft(connection: Connection, schema: str) -> None:
    with translated():
        await connection.execute(f"DELETE FROM {schema}.schema_version WHERE part = $1", DRAFT)


def taken(schema: str) -> TargetTaken:
    return TargetTaken(f"Somebody else writes the log in schema {schema} of the target. Stop it, and empty the schema.")
