"""Sees to it that nobody writes while a database is copied, or copied to."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from sigdep.adapters.postgres.connecting import Connection, connect, quoted
from sigdep.adapters.postgres.copy_draft import COPYING
from sigdep.adapters.postgres.errors import translated
from sigdep.kernel.errors import Unavailable

LOCK_MS_MAX: Final = 10_000
"""Longer than any writer takes for what it has begun."""

ANSWER_SECONDS_MAX: Final = 30.0

StillHeld = Callable[[], Awaitable[None]]
"""Raises Unavailable when the lock has been lost."""

_SERVICES: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name LIKE 'sigdep %' AND application_name <> $1"
)
_LOCK_ALONE: Final = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"


class InUse(Unavailable):
    """Somebody else uses the database."""


@asynccontextmanager
async def held_still(dsn: str, tables: Sequence[tuple[str, str]]) -> AsyncIterator[StillHeld]:
    """Keep everybody from writing these tables, given as (schema, table), while the block lasts. Reading goes on.

    A service that writes all the same waits, and then tells its caller to come again: nothing is lost.

    Raises:
        InUse: services are connected, or a writer does not end.
        Unavailable: the database is away.
    """
    async with _connected(dsn) as connection, connection.transaction():
        await _refuse_services(connection)
        names = ", ".join(f"{quoted(schema)}.{quoted(table)}" for schema, table in tables)
        try:
            with translated():
                await connection.execute(f"SET LOCAL lock_timeout = {LOCK_MS_MAX}")
                await connection.execute(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
        except Unavailable as error:
            if isinstance(error.__cause__, asyncpg.LockNotAvailableError):
                raise InUse("Somebody writes the source and does not end. Stop the services first.") from None
            raise
        yield lambda: _answers(connection)


@asynccontextmanager
async def held_alone(dsn: str, what: str) -> AsyncIterator[StillHeld]:
    """Keep others from copying into this database while the block lasts.

    Args:
        what: is copied there: `logs` and `keys` may go to one database, each with a lock of its own.

    Raises:
        InUse: services are connected, or somebody copies into it.
        Unavailable: the database is away.
    """
    async with _connected(dsn) as connection:
        await _refuse_services(connection)
        with translated():
            alone = await connection.fetchval(
                "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", f"{COPYING} {what}"
            )
        if not alone:
            raise InUse("Another `sigdep migrate` copies into this database.")
        yield lambda: _answers(connection)


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Connection]:
    connection = await connect(
        dsn, COPYING, command_seconds=ANSWER_SECONDS_MAX, idle_in_transaction_session_timeout="0"
    )
    try:
        yield connection
    finally:
        connection.terminate()


async def _refuse_services(connection: Connection) -> None:
    with translated():
        services = await connection.fetchval(_SERVICES, COPYING)
    if services:
        raise InUse(
            f"Services of SigDep are connected to the database ({services} connections). Stop them first, so that"
            " nothing is written in two places."
        )


async def _answers(connection: Connection) -> None:
    """A session that answers has held its locks all the time: they end with it."""
    with translated():
        await connection.fetchval("SELECT 1")
