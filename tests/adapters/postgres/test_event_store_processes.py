"""Several processes write one log: nothing is skipped, nothing is lost, nobody is stuck."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.adapters.postgres.key_ring import PostgresKeyRing
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import Partition, Position
from sigdep.kernel.store import EventStore, RecordedEvent
from sigdep.testing.event_store_setup import everything
from sigdep.testing.sample_events import SAMPLE_EVENTS
from tests.adapters.postgres import writing_process

LONG = os.environ.get("SIGDEP_LONG") == "1"
APPENDS = 3_000 if LONG else 60
"""Of each of the writers of a process."""
KILLS = 50 if LONG else 3
STARTERS = 6


@asynccontextmanager
async def writing_processes(dsn: str, schema: str, number: int, *arguments: int) -> AsyncIterator[list[Process]]:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.adapters.postgres.writing_process", dsn, schema, *map(str, arguments),
            stdout=PIPE, stderr=PIPE, cwd=Path(__file__).parents[3], limit=1 << 26,
        )
        for _ in range(number)
    ]  # fmt: skip
    try:
        yield processes
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


@asynccontextmanager
async def opened(dsn: str, schema: str) -> AsyncIterator[PostgresEventStore]:
    ring = await PostgresKeyRing.open(dsn, writing_process.WRAPPING_KEY, schema=f"{schema}_keys")
    store = await PostgresEventStore.open(dsn, Codec(SAMPLE_EVENTS, ring), schema=schema)
    yield store
    await store.close()
    await ring.close()


async def acknowledged(processes: Iterable[Process]) -> list[tuple[int, int, str]]:
    """Partition, last position and stream of each append that the processes were told is stored, when they end."""
    found: list[tuple[int, int, str]] = []
    for printed, errors in await asyncio.gather(*(process.communicate() for process in processes)):
        assert errors == b"", errors.decode()
        for line in printed.decode().splitlines():
            partition, position, stream = line.split()
            found.append((int(partition), int(position), stream))
    return found


async def follow(store: EventStore, seen: list[RecordedEvent]) -> None:
    async for batch in store.follow({}):
        seen.extend(batch)


async def poll(store: EventStore, seen: list[RecordedEvent]) -> None:
    reached: dict[Partition, Position] = {}
    while True:
        batch = await store.read_all(reached, limit=97)
        reached |= {recorded.partition: recorded.position for recorded in batch}
        seen.extend(batch)
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("partitions", [1, 64])
async def test_readers_tailing_several_processes_skip_nothing_and_see_no_hole(
    postgresql_shared_dsn: str, schema: str, partitions: int
) -> None:
    async with opened(postgresql_shared_dsn, schema) as store:
        followed: list[RecordedEvent] = []
        polled: list[RecordedEvent] = []
        tails = [asyncio.create_task(follow(store, followed)), asyncio.create_task(poll(store, polled))]
        async with writing_processes(postgresql_shared_dsn, schema, 3, partitions, APPENDS) as processes:
            told = await acknowledged(processes)
        stored = await everything(store)
        for _ in range(500):
            if min(len(followed), len(polled)) == len(stored) or any(tail.done() for tail in tails):
                break
            await asyncio.sleep(0.01)
        for tail in tails:
            tail.cancel()
        await asyncio.gather(*tails, return_exceptions=True)

        assert {len(followed), len(polled)} == {len(stored)}
        for seen in (followed, polled):
            for partition in range(partitions):
                positions = [recorded.position for recorded in seen if recorded.partition == partition]
                assert positions == list(range(1, len(positions) + 1))
        last_of = {recorded.stream: (recorded.partition, recorded.position) for recorded in followed}
        assert {stream: (partition, position) for partition, position, stream in told} == last_of
        for number in range(partitions):
            assert not (await store.verify(Partition(number))).faults


async def test_processes_that_race_for_partitions_and_keys_never_deadlock(
    postgresql_shared_dsn: str, schema: str
) -> None:
    connection = await asyncpg.connect(postgresql_shared_dsn)
    count = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = await connection.fetchval(count)
    async with writing_processes(postgresql_shared_dsn, schema, 3, 64, APPENDS) as processes:
        told = await acknowledged(processes)
    assert await connection.fetchval(count) == before
    keys = await connection.fetchval(f"SELECT count(*) FROM {schema}.answer")
    filed = await connection.fetchval(f"SELECT count(*) FROM {schema}.event WHERE type = 'NoteFiled'")
    assert 0 < keys == filed <= writing_process.KEYS
    assert len(told) == 3 * writing_process.WRITERS * (APPENDS - APPENDS // 4) + filed
    await connection.close()


async def test_what_a_killed_process_was_told_is_stored(postgresql_shared_dsn: str, schema: str) -> None:
    told: list[tuple[int, int, str]] = []
    for _ in range(KILLS):
        async with writing_processes(postgresql_shared_dsn, schema, 1, 4, 1_000_000) as [process]:
            assert process.stdout is not None
            for _ in range(100):
                partition, position, stream = (await process.stdout.readline()).decode().split()
                told.append((int(partition), int(position), stream))
            process.kill()
            rest = (await process.stdout.read()).decode().splitlines(keepends=True)
            for line in rest:
                if line.endswith("\n"):
                    partition, position, stream = line.split()
                    told.append((int(partition), int(position), stream))
    async with opened(postgresql_shared_dsn, schema) as store:
        stored = {(recorded.partition, recorded.position, recorded.stream) for recorded in await everything(store)}
        assert len(told) >= KILLS * 100
        assert set(told) <= stored
        for number in range(4):
            assert not (await store.verify(Partition(number))).faults


async def test_processes_that_start_at_once_on_an_empty_database_all_work(
    postgresql_shared_dsn: str, schema: str
) -> None:
    async with writing_processes(postgresql_shared_dsn, schema, STARTERS, 1, 2) as processes:
        told = await acknowledged(processes)
    assert len(told) >= STARTERS * writing_process.WRITERS
