"""PostgreSQL as what `sigdep migrate` copies from or to: databases or schemas for the logs, and one for the keys."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from sigdep.adapters.postgres.copy_locks import held_alone, held_still
from sigdep.adapters.postgres.event_copying import PostgresLogCopy
from sigdep.adapters.postgres.key_copying import PostgresKeyCopy
from sigdep.cli.migrate_places import Addresses
from sigdep.services.data_folder import LOGS
from sigdep.services.migrating import Source, StillHeld, Target

KEYS_SCHEMA: Final = "keys"
WRITTEN_TABLES: Final = ("partition", "answer", "number")
"""Which nobody may write while a log is copied: every append begins with the first of them."""


@asynccontextmanager
async def database_source(place: Addresses) -> AsyncIterator[Source]:
    """Nobody writes logs or keys while the block lasts.

    Raises:
        OutOfOrder: they are not there, or not in the present version.
        InUse: services are connected.
        Unavailable: the database is away.
    """
    async with AsyncExitStack() as stack:
        keys = await PostgresKeyCopy.open_source(place.keys, KEYS_SCHEMA)
        stack.push_async_callback(keys.close)
        logs: dict[str, PostgresLogCopy] = {}
        for name in LOGS:
            logs[name] = await PostgresLogCopy.open_source(*place.log(name))
            stack.push_async_callback(logs[name].close)
        held = [await stack.enter_async_context(held_still(place.keys, [(KEYS_SCHEMA, "subject_key")]))]
        for url, schemas in place.schemas_by_url().items():
            tables = [(schema, table) for schema in schemas for table in WRITTEN_TABLES]
            held.append(await stack.enter_async_context(held_still(url, tables)))
        yield Source(logs=logs, keys=keys, still_held=_all_of(held))


@asynccontextmanager
async def database_target(place: Addresses) -> AsyncIterator[Target]:
    """Nobody else copies into it while the block lasts. Schemas are made where they are missing.

    Raises:
        OutOfOrder: a newer release has been here, or the database cannot be used.
        InUse: services are connected, or another `sigdep migrate`.
        Unavailable: the database is away.
    """
    async with AsyncExitStack() as stack:
        held = [await stack.enter_async_context(held_alone(place.keys, "keys"))]
        held += [await stack.enter_async_context(held_alone(url, "logs")) for url in place.schemas_by_url()]
        keys = await PostgresKeyCopy.open_target(place.keys, KEYS_SCHEMA)
        stack.push_async_callback(keys.close)
        logs: dict[str, PostgresLogCopy] = {}
        for name in LOGS:
            logs[name] = await PostgresLogCopy.open_target(*place.log(name))
            stack.push_async_callback(logs[name].close)
        yield Target(logs=logs, keys=keys, still_held=_all_of(held))


def _all_of(checks: Sequence[StillHeld]) -> StillHeld:
    async def check() -> None:
        for held in checks:
            await held()

    return check
