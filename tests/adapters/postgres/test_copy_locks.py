"""While a database is copied, nobody writes it."""

import asyncio

import asyncpg
import pytest

from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.postgres.copy_locks import InUse, held_alone, held_still
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import Unavailable
from sigdep.testing.sample_events import SAMPLE_EVENTS, new_stream, new_workspace, writing

TABLES = [("log", "partition"), ("log", "answer")]
HELD_SECONDS = 1.5
"""Longer than a writer waits for a lock at one go."""


async def opened(dsn: str) -> PostgresEventStore:
    return await PostgresEventStore.open(dsn, Codec(SAMPLE_EVENTS, MemoryKeyRing()), schema="log")


async def nobody_connected(dsn: str) -> None:
    """A server may take a moment to notice that somebody has gone."""
    connection = await asyncpg.connect(dsn)
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    for _ in range(100):
        if await connection.fetchval(count) == 1:
            break
        await asyncio.sleep(0.02)
    await connection.close()


async def test_a_writer_waits_and_a_reader_does_not(postgresql_dsn: str) -> None:
    await (await opened(postgresql_dsn)).close()
    await nobody_connected(postgresql_dsn)
    async with held_still(postgresql_dsn, TABLES) as still_held:
        store = await opened(postgresql_dsn)
        appending = asyncio.create_task(store.append(writing(new_workspace(), new_stream(), "a")))
        await asyncio.sleep(HELD_SECONDS)
        assert not appending.done()
        assert await store.heads() == {}
        await still_held()
    assert (await appending).position == 1
    await store.close()


async def test_a_database_that_services_use_is_refused(postgresql_dsn: str) -> None:
    store = await opened(postgresql_dsn)
    with pytest.raises(InUse, match="Stop them first"):
        async with held_still(postgresql_dsn, TABLES):
            pass
    with pytest.raises(InUse, match="Stop them first"):
        async with held_alone(postgresql_dsn, "logs"):
            pass
    await store.close()


async def test_only_one_copies_into_a_database(postgresql_dsn: str) -> None:
    async with held_alone(postgresql_dsn, "logs"), held_alone(postgresql_dsn, "keys"):
        with pytest.raises(InUse, match="Another"):
            async with held_alone(postgresql_dsn, "logs"):
                pass


async def test_a_writer_that_does_not_end_is_named(postgresql_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigdep.adapters.postgres.copy_locks.LOCK_MS_MAX", 50)
    await (await opened(postgresql_dsn)).close()
    await nobody_connected(postgresql_dsn)
    writer = await asyncpg.connect(postgresql_dsn)
    async with writer.transaction():
        await writer.execute("SELECT FROM log.partition WHERE partition = 3 FOR UPDATE")
        with pytest.raises(InUse, match="does not end"):
            async with held_still(postgresql_dsn, TABLES):
                pass
    await writer.close()


async def test_a_lock_that_was_lost_is_noticed(postgresql_dsn: str) -> None:
    killer = await asyncpg.connect(postgresql_dsn)
    async with held_alone(postgresql_dsn, "logs") as still_held:
        await still_held()
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with pytest.raises(Unavailable):
            await still_held()
    await killer.close()
