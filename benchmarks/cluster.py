"""The distributed system on one machine: every service, PostgreSQL and NATS on the same cores as the load.

python -m benchmarks.cluster
"""

import asyncio
import json
import time
from typing import Any, Final, NamedTuple

import httpx
import psutil
import psycopg
import uvloop
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.embedded import Client, bare_server, beside, creating, fill, getting, latency_figures, sign_in, wait_for
from benchmarks.figures import Figure, keep_figures, print_figures
from sigdep.services.distributed.places import read_places
from sigdep.testing.running_server import RunningServer, running_server

TASKS: Final = 5_000
CHANGES_A_SECOND: Final = 100
LIVE_SECONDS: Final = 10
ANSWER_SECONDS_MAX: Final = 30.0
SETTLING_SECONDS: Final = 40.0
"""For half a minute after a start, services look after what others may have left."""
REST_SECONDS: Final = 20.0


async def measure_live(client: Client) -> list[float]:
    """Milliseconds from the begin of each request to the arrival of its event at another connection."""
    begun: dict[str, float] = {}
    took: list[float] = []
    url = f"ws://{client.host}:{client.port}/api/live"
    headers = {"Authorization": client.headers["Authorization"]}
    async with connect(url, additional_headers=headers, compression=None) as socket:
        await socket.send(json.dumps({"subscribe": {"from": "latest"}}))
        await socket.recv()  # It says from where.
        hearing = asyncio.create_task(_hear(socket, begun, took, CHANGES_A_SECOND * LIVE_SECONDS))
        await _write_steadily(client, begun)
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            await hearing
    return sorted(took)


async def _hear(socket: ClientConnection, begun: dict[str, float], took: list[float], expected: int) -> None:
    while len(took) < expected:
        message: dict[str, Any] = json.loads(await socket.recv())
        title = _title_in(message)
        if title in begun:
            took.append((time.perf_counter() - begun.pop(title)) * 1_000)


def _title_in(message: Any) -> str:
    """Wherever the event stands in the message."""
    if isinstance(message, dict):
        title = message.get("title")
        if isinstance(title, str):
            return title
        return next((found for value in message.values() if (found := _title_in(value))), "")
    return ""


async def _write_steadily(client: Client, begun: dict[str, float]) -> None:
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    base = f"http://{client.host}:{client.port}"
    async with httpx.AsyncClient(base_url=base, headers=client.headers, limits=limits, timeout=30) as http:

        async def write(number: int) -> None:
            title = f"change {number}"
            begun[title] = time.perf_counter()
            (await http.post("/api/tasks", content=json.dumps({"title": title}))).raise_for_status()

        started, writing = time.perf_counter(), []
        for number in range(CHANGES_A_SECOND * LIVE_SECONDS):
            await asyncio.sleep(max(0.0, started + number / CHANGES_A_SECOND - time.perf_counter()))
            writing.append(asyncio.create_task(write(number)))
        await asyncio.gather(*writing)


class Rest(NamedTuple):
    """What all processes of a cluster do while nobody asks them anything."""

    processor: float
    """Of one core, in percent."""
    statements: float
    """That PostgreSQL is sent, a second. A transaction of several counts once."""


def measure_rest(server: RunningServer) -> Rest:
    time.sleep(SETTLING_SECONDS)
    begun, used, done = time.perf_counter(), _processor_seconds(server), _statements(server)
    time.sleep(REST_SECONDS)
    seconds = time.perf_counter() - begun
    return Rest(
        processor=100 * (_processor_seconds(server) - used) / seconds,
        statements=(_statements(server) - done) / seconds,
    )


def _processor_seconds(server: RunningServer) -> float:
    postmaster = int((server.data / "postgresql" / "postmaster.pid").read_text().split()[0])
    found = 0.0
    for parent in map(psutil.Process, (server.process_id, postmaster)):
        for process in (parent, *parent.children(recursive=True)):
            times = process.cpu_times()
            found += times.user + times.system
    return found


def _statements(server: RunningServer) -> int:
    url = next(iter(read_places(server.data).values())).database_url
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT sum(xact_commit) FROM pg_stat_database").fetchone()
    assert row is not None
    return int(row[0])


def run() -> list[Figure]:
    with running_server(mode="cluster", log_level="warning") as server, bare_server() as bare:
        rest = measure_rest(server)
        client = sign_in(server)
        post = beside(server, creating(client), creating(bare), "201")
        ids, position = fill(client, TASKS)
        wait_for(client, position)
        get = beside(server, getting(client, ids), getting(bare, ids), "200")
        live = uvloop.run(measure_live(client))
        ready = server.ready_seconds
    return [
        Figure(name="ready after", value=ready, unit="s"),
        Figure(name="at rest: processor", value=rest.processor, unit="% of one"),
        Figure(name="  statements to PostgreSQL", value=rest.statements, unit="/s"),
        *latency_figures("POST /api/tasks", post, target=1_000),
        *latency_figures("GET /api/tasks/{id}", get),
        Figure(name=f"change to WebSocket at {CHANGES_A_SECOND}/s, p50", value=live[len(live) // 2], unit="ms",
               against="target", other=15),
        Figure(name="  p99", value=live[len(live) * 99 // 100], unit="ms", against="target", other=60),
    ]  # fmt: skip


def main() -> None:
    figures = run()
    print_figures("Cluster", figures)
    print(f"\nKept in {keep_figures('cluster', figures)}")


if __name__ == "__main__":
    main()
