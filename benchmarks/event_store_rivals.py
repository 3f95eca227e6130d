"""What the event store is held against: the `eventsourcing` library, and the fewest inserts that PostgreSQL can do."""

import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate

from sigdep.testing.servers import PostgreSQL

PAYLOAD_BYTES: Final = 250
"""About what an event of ours has when it is sealed."""

CONNECTING_SECONDS: Final = 2
"""Of pgbench, beside what it measures; on a machine that others keep busy it needs as long for 128 connections."""

SAVES_MAX: Final = 12_000
"""A second, of all threads. Who has saved all of them is done."""

RAW_TABLE: Final = """
CREATE TABLE IF NOT EXISTS raw_insert (
    position bigserial PRIMARY KEY, stream uuid NOT NULL, version int NOT NULL, type text NOT NULL,
    payload bytea NOT NULL
)
"""
RAW_INSERT: Final = f"""
INSERT INTO raw_insert (stream, version, type, payload)
VALUES (gen_random_uuid(), 1, 'TaskNoted', decode(repeat('5a', {PAYLOAD_BYTES}), 'hex'));
"""


class NotedTask(Aggregate):
    """The same content as the event that is appended to our store."""

    def __init__(self, title: str, created_by: str) -> None:
        self.title = title
        self.created_by = created_by


class Eventsourcing:
    """The library with one of its recorders, as its documentation sets it up."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._application: Application[UUID] = Application(env=settings)

    @classmethod
    def on_postgresql(cls, server: PostgreSQL, database: str) -> "Eventsourcing":
        return cls(
            {
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": database,
                "POSTGRES_HOST": "127.0.0.1",
                "POSTGRES_PORT": str(server.port),
                "POSTGRES_USER": "postgres",
                "POSTGRES_PASSWORD": "trusted",
                "POSTGRES_POOL_SIZE": "32",
            }
        )

    @classmethod
    def on_sqlite(cls, folder: Path) -> "Eventsourcing":
        return cls({"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / "eventsourcing.db")})

    def creates_per_second(self, threads: int, seconds: float, title: str) -> float:
        """Aggregates saved, one event each. They are made before."""
        made = [
            iter([NotedTask(title=title, created_by=str(uuid4())) for _ in range(int(seconds * SAVES_MAX / threads))])
            for _ in range(threads)
        ]
        saved, end = [0] * threads, time.perf_counter() + seconds

        def save(thread: int) -> None:
            for aggregate in made[thread]:
                self._application.save(aggregate)
                saved[thread] += 1
                if time.perf_counter() >= end:
                    return

        workers = [threading.Thread(target=save, args=(thread,)) for thread in range(threads)]
        begun = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return sum(saved) / (time.perf_counter() - begun)

    def close(self) -> None:
        self._application.close()


def raw_inserts_per_second(server: PostgreSQL, database: str, clients: int, seconds: float) -> float:
    """pgbench, one row in a transaction: no version is checked, no order kept, nothing sealed or chained."""
    server.query(RAW_TABLE, database)
    script = server.folder / "raw_insert.sql"
    script.write_text(RAW_INSERT)
    result = subprocess.run(
        [
            server.binaries / "pgbench", "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=2",
            f"--time={CONNECTING_SECONDS + max(1, round(seconds))}", f"--file={script}", server.dsn(database),
        ],
        check=True, capture_output=True, text=True, timeout=60 + seconds,
    )  # fmt: skip
    found = re.search(r"tps = ([0-9.]+)", result.stdout)
    return float(found.group(1)) if found is not None else 0.0
