"""The event store through its port: event objects in, sealed, chained and durable, answers out.

    python -m benchmarks.event_store [seconds of each measurement] [repetitions]

Every repetition measures all that is compared, ours and theirs by turns, so that what else the machine does weighs on
all of them; the figures are those of each one's quickest repetition, which was disturbed least. Client and server share
the machine.
"""

import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final
from uuid import UUID

import uvloop
from uuid_utils.compat import uuid7

from benchmarks.event_store_rivals import Eventsourcing, raw_inserts_per_second
from benchmarks.figures import Figure, keep_figures, print_figures
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import NO_STREAM, CommandId, SubjectId, WorkspaceId, stream_id
from sigdep.kernel.messages import Event
from sigdep.kernel.store import Append, EventStore, Metadata, StreamWrite
from sigdep.services.collector import calm_collector
from sigdep.testing.servers import PostgreSQL, postgresql

SECONDS: Final = 2.0
REPETITIONS: Final = 4
APPENDS_MAX: Final = 60_000
"""A second. Who has appended all of them is done."""
POSTGRESQL_MAJOR: Final = 18
IN_FLIGHT: Final = (1, 32, 256)
THREADS: Final = (8, 32)
"""Of `eventsourcing`, which knows no asyncio: the better of the two counts."""
RAW_CLIENTS: Final = {32: 32, 256: 128}
"""Connections of pgbench held against so many appends in flight: more than 128 make it slower."""
WORKSPACES: Final = {"one workspace": 1, "1,000 workspaces": 1_000}
LIBRARY: Final = "eventsourcing"
RAW: Final = "raw inserts"
P99_MS_TARGET: Final = 6.0
TITLE: Final = "A task with a title of some eighty characters, as people write them down in haste."


class TaskNoted(Event):
    """Some 200 bytes of JSON, as most events of tasks have."""

    task_id: UUID
    title: str
    created_by: UUID


@dataclass(frozen=True)
class Measured:
    per_second: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0


async def measure(store: EventStore, workspaces: Sequence[WorkspaceId], in_flight: int, seconds: float) -> Measured:
    """So many writers, each of whom appends one new stream after the other. What they append is made before."""
    took: list[float] = []
    with _made(workspaces, seconds) as appends:
        begun = time.perf_counter()

        async def write() -> None:
            asked = time.perf_counter()
            for append in appends:
                await store.append(append)
                answered = time.perf_counter()
                took.append(answered - asked)
                asked = answered
                if asked >= begun + seconds:
                    return

        await asyncio.gather(*(write() for _ in range(in_flight)))
        elapsed = time.perf_counter() - begun
    took.sort()
    return Measured(len(took) / elapsed, took[len(took) // 2] * 1_000, took[len(took) * 99 // 100] * 1_000)


@contextmanager
def _made(workspaces: Sequence[WorkspaceId], seconds: float) -> Iterator[Iterator[Append]]:
    """More than can be stored in so many seconds; the collector is not to look through them meanwhile."""
    author = uuid7()
    made = [_append(workspaces[number % len(workspaces)], author) for number in range(int(seconds * APPENDS_MAX))]
    gc.collect()
    gc.freeze()
    yield iter(made)
    gc.unfreeze()


def _append(workspace: WorkspaceId, author: UUID) -> Append:
    task = uuid7()
    return Append(
        workspace=workspace,
        command_id=CommandId(uuid7()),
        writes=(
            StreamWrite(
                stream=stream_id("task", task),
                subject=SubjectId(workspace),
                expected_version=NO_STREAM,
                events=(TaskNoted(task_id=task, title=TITLE, created_by=author),),
            ),
        ),
        metadata=Metadata(actor=author),
    )


Measurements = dict[str, Callable[[], Awaitable[Measured]]]


def _ours(
    store: EventStore, workspaces: Sequence[WorkspaceId], in_flight: int, seconds: float
) -> Callable[[], Awaitable[Measured]]:
    return lambda: measure(store, workspaces, in_flight, seconds)


def _theirs(rate: Callable[..., float], *arguments: object) -> Callable[[], Awaitable[Measured]]:
    """A rival's, which blocks and tells a rate."""

    async def measured() -> Measured:
        return Measured(await asyncio.to_thread(rate, *arguments))

    return measured


async def _quickest(measurements: Measurements, repetitions: int) -> dict[str, Measured]:
    """Each of them once, then each of them again: what else the machine does weighs on all."""
    found: dict[str, list[Measured]] = {name: [] for name in measurements}
    for _ in range(repetitions):
        for name, measurement in measurements.items():
            found[name].append(await measurement())
    return {name: max(several, key=lambda one: one.per_second) for name, several in found.items()}


@contextmanager
def _roomy_server() -> Iterator[PostgreSQL]:
    """One whose checkpoints are rare enough not to fall upon one measurement and spare the next."""
    with postgresql(POSTGRESQL_MAJOR) as server:
        server.query("ALTER SYSTEM SET max_wal_size = '8GB'")
        server.query("ALTER SYSTEM SET shared_buffers = '512MB'")
        server.stop()
        server.start()
        yield server


@asynccontextmanager
async def _codec_and_places() -> AsyncIterator[tuple[Codec, Mapping[str, Sequence[WorkspaceId]]]]:
    """The keys of all workspaces are made before, and cached, as those of active users are."""
    keys = MemoryKeyRing()
    places = {spread: [WorkspaceId(uuid7()) for _ in range(number)] for spread, number in WORKSPACES.items()}
    for workspaces in places.values():
        for workspace in workspaces:
            await keys.obtain(SubjectId(workspace))
    yield Codec([TaskNoted], keys), places
    await keys.close()


async def run_postgresql(seconds: float = SECONDS, repetitions: int = REPETITIONS) -> list[Figure]:
    with _roomy_server() as server:
        database = server.create_database()
        library = await asyncio.to_thread(Eventsourcing.on_postgresql, server, database)
        async with _codec_and_places() as (codec, places):
            store = await PostgresEventStore.open(server.dsn(database), codec, schema="tasks")
            await measure(store, places["one workspace"], 32, 0.5)
            measurements: Measurements = {}
            for spread, workspaces in places.items():
                for in_flight in IN_FLIGHT:
                    measurements[f"{in_flight} in flight, {spread}"] = _ours(store, workspaces, in_flight, seconds)
                    if clients := RAW_CLIENTS.get(in_flight):
                        raw = _theirs(raw_inserts_per_second, server, database, clients, seconds)
                        measurements[f"{RAW}, {clients} clients ({spread})"] = raw
                for threads in THREADS:
                    rival = _theirs(library.creates_per_second, threads, seconds, TITLE)
                    measurements[f"{LIBRARY}, {threads} threads ({spread})"] = rival
            found = await _quickest(measurements, repetitions)
            await store.close()
        await asyncio.to_thread(library.close)
    return _figures(f"PostgreSQL {POSTGRESQL_MAJOR}", found)


async def run_sqlite(seconds: float = SECONDS, repetitions: int = REPETITIONS) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="sigdep-bench-") as folder:
        library = await asyncio.to_thread(Eventsourcing.on_sqlite, Path(folder))
        async with _codec_and_places() as (codec, places):
            store = await SqliteEventStore.open(Path(folder) / "log.db", codec)
            await measure(store, places["one workspace"], 32, 0.5)
            measurements: Measurements = {}
            for spread, workspaces in places.items():
                for in_flight, threads in zip(IN_FLIGHT, (1, *THREADS), strict=True):
                    measurements[f"{in_flight} in flight, {spread}"] = _ours(store, workspaces, in_flight, seconds)
                    rival = _theirs(library.creates_per_second, threads, seconds, TITLE)
                    measurements[f"{LIBRARY}, {threads} threads ({spread})"] = rival
            found = await _quickest(measurements, repetitions)
            await store.close()
        await asyncio.to_thread(library.close)
    return _figures("SQLite", found)


def _figures(technology: str, found: Mapping[str, Measured]) -> list[Figure]:
    """Each rate of ours against the library at its best, and where there is one against the raw limit; latencies."""
    figures = []
    for spread, in_flight in product(WORKSPACES, IN_FLIGHT):
        ours = found[f"{in_flight} in flight, {spread}"]
        name = f"{technology}, {in_flight} in flight, {spread}"
        best = max(one.per_second for rival, one in found.items() if rival.startswith(LIBRARY) and spread in rival)
        figures.append(Figure(name=name, value=ours.per_second, unit="events/s", against=LIBRARY, other=best))
        limit = found.get(f"{RAW}, {RAW_CLIENTS.get(in_flight)} clients ({spread})")
        if limit is not None:
            figures.append(
                Figure(name=name, value=ours.per_second, unit="events/s", against=RAW, other=limit.per_second)
            )
        figures.append(Figure(name=f"{name}: p50", value=ours.p50_ms, unit="ms"))
        target = P99_MS_TARGET if in_flight == 32 else None
        figures.append(
            Figure(
                name=f"{name}: p99", value=ours.p99_ms, unit="ms", against="the target" if target else "", other=target
            )
        )
    return figures


async def run(seconds: float = SECONDS, repetitions: int = REPETITIONS) -> list[Figure]:
    return [*await run_postgresql(seconds, repetitions), *await run_sqlite(seconds, repetitions)]


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else REPETITIONS
    calm_collector()  # As in every process of ours; the library, in this one, has the good of it too.
    figures = uvloop.run(run(seconds, repetitions))
    print_figures("Event store", figures)
    print(f"\nKept in {keep_figures('event store', figures)}")


if __name__ == "__main__":
    main()
