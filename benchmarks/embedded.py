"""`sigdep up` over HTTP, durable, with the load on the same machine: writes, reads, and a list among many tasks."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlencode

import httpx

from benchmarks.figures import Figure, keep_figures, print_figures
from benchmarks.http_load import Load, Measured, Requests, measure_apart, request_bytes, same
from sigdep.testing.running_server import RunningServer, running_server

CONNECTIONS = 32
SECONDS = 10.0
ROUNDS = 5
"""Of so many, each by turns with the bare server: a shared machine is now quick and now slow."""
WARM_UP_SECONDS = 0.5
MANY_TASKS = 100_000
BATCH = 500
CATCH_UP_WAITS_MAX = 100
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Client:
    """Somebody who has signed in."""

    host: str
    port: int
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}

    def load(self, connections: int = CONNECTIONS, seconds: float = SECONDS) -> Load:
        return Load(
            host=self.host,
            port=self.port,
            connections=connections,
            seconds=seconds,
            warm_up_seconds=WARM_UP_SECONDS,
        )

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        return request_bytes(method, path, host=f"{self.host}:{self.port}", headers=self.headers, body=body)


def sign_in(server: RunningServer) -> Client:
    credentials = {"email": "bench@example.org", "password": PASSWORD}
    httpx.post(f"{server.url}/api/users", json=credentials | {"name": "Bench"}).raise_for_status()
    session = httpx.post(f"{server.url}/api/sessions", json=credentials).raise_for_status().json()
    url = httpx.URL(server.url)
    return Client(url.host, url.port or 80, session["access_token"])


def _create(head: bytes, number: int) -> bytes:
    """A request to create the nth task: the head is ready-made, and the length of the body never changes."""
    return head + b'{"title": "Task number %09d of a benchmark", "due_at": "2030-01-15T09:00:00Z"}' % number


def _get(requests: Sequence[bytes], number: int) -> bytes:
    return requests[number % len(requests)]


def fill(client: Client, tasks: int) -> tuple[list[str], str]:
    """Create so many tasks, spread over a year of due dates and all priorities.

    Returns the ids of some of them, and the position of the last.
    """
    now = datetime.now(UTC)
    ids: list[str] = []
    position = ""
    base = f"http://{client.host}:{client.port}"
    with httpx.Client(base_url=base, headers=client.headers, timeout=60) as http:
        me = http.get("/api/users/me").raise_for_status().json()["id"]
        for start in range(0, tasks, BATCH):
            operations = [
                {
                    "method": "create",
                    "title": f"Prepare part {number} of the yearly report",
                    "due_at": (now + timedelta(hours=number * 8_760 / tasks)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "priority": ("none", "low", "medium", "high", "urgent")[number % 5],
                    "assignee_ids": [me],
                }
                for number in range(start, min(start + BATCH, tasks))
            ]
            answer = http.post("/api/batch", json={"operations": operations}).raise_for_status()
            ids.append(answer.json()["results"][0]["id"])
            position = answer.headers["Sigdep-Position"]
    return ids, position


def wait_for(client: Client, position: str) -> None:
    """Return when lists show everything up to the position."""
    headers = client.headers | {"Sigdep-Min-Position": position}
    with httpx.Client(base_url=f"http://{client.host}:{client.port}", headers=headers, timeout=60) as http:
        for _ in range(CATCH_UP_WAITS_MAX):  # Each is given up by the server after some seconds.
            if http.get("/api/tasks?limit=1").is_success:
                return
    raise RuntimeError("The read model has not caught up.")


def time_list(client: Client) -> list[float]:
    """Milliseconds of each request for the first page of my open tasks that are due this week, one after the other."""
    soon = (datetime.now(UTC) + timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ")
    base = f"http://{client.host}:{client.port}"
    with httpx.Client(base_url=base, headers=client.headers, timeout=60) as http:
        me = http.get("/api/users/me").raise_for_status().json()["id"]
        path = "/api/tasks?" + urlencode({"assignee_id": me, "status": "open", "due_before": soon, "sort": "due_at"})
        answer = http.get(path).raise_for_status().json()
        assert len(answer["items"]) == 50, "The list should have a full page."
        measured = measure_apart(client.load(1, 4.0), partial(same, client.request("GET", path)))
    return [measured.p50_ms, measured.p99_ms]


@contextmanager
def bare_server() -> Iterator[Client]:
    """uvicorn that does nothing at all, for a client whose token is as long as a real one."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks.bare_server"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield Client("127.0.0.1", int(process.stdout.readline()), "x" * 200)
        finally:
            process.terminate()


@dataclass(frozen=True)
class Beside:
    """The same requests to our server and to the bare one, by turns, so that both had the same machine."""

    ours: Sequence[Measured]
    bare: Sequence[Measured]
    cpu_us: float
    """Of our server's process for each request, in the round where that was least. 0: it has several."""

    @property
    def quickest(self) -> Measured:
        """The round that others on the machine disturbed least."""
        return max(self.ours, key=lambda measured: measured.per_second)

    @property
    def limit(self) -> float:
        """Requests a second of the bare server, in its quickest round."""
        return max(measured.per_second for measured in self.bare)


def beside(server: RunningServer, ours: tuple[Client, Requests], bare: tuple[Client, Requests], status: str) -> Beside:
    load_seconds = SECONDS / ROUNDS
    measured: list[Measured] = []
    limits: list[Measured] = []
    cpu_us: list[float] = []
    for _ in range(ROUNDS):
        limits.append(measure_apart(bare[0].load(seconds=load_seconds), bare[1]))
        cpu_before = server.cpu_seconds
        measured.append(measure_apart(ours[0].load(seconds=load_seconds), ours[1]))
        _require_success(measured[-1], status)
        # Those of the warming up, which are not counted, have cost as much.
        answered = measured[-1].requests * (load_seconds + WARM_UP_SECONDS) / load_seconds
        cpu_us.append((server.cpu_seconds - cpu_before) / answered * 1e6)
    return Beside(measured, limits, min(cpu_us) if server.mode == "up" else 0.0)


def _create_head(client: Client) -> bytes:
    body = _create(b"", 0)
    return client.request("POST", "/api/tasks", body)[: -len(body)]


def creating(client: Client) -> tuple[Client, Requests]:
    return client, partial(_create, _create_head(client))


def getting(client: Client, ids: Sequence[str]) -> tuple[Client, Requests]:
    return client, partial(_get, [client.request("GET", f"/api/tasks/{task_id}") for task_id in ids])


def run(tasks: int = MANY_TASKS) -> list[Figure]:
    with running_server(log_level="warning") as server, bare_server() as bare:
        ready, empty = server.ready_seconds, server.resident_bytes / 1e6
        client = sign_in(server)
        post = beside(server, creating(client), creating(bare), "201")
        started = time.perf_counter()
        ids, position = fill(client, tasks)
        filling = tasks / (time.perf_counter() - started)
        wait_for(client, position)
        readable = tasks / (time.perf_counter() - started)
        get = beside(server, getting(client, ids), getting(bare, ids), "200")
        p50, p99 = time_list(client)
        full = server.resident_bytes / 1e6
    many = f"my open tasks due this week of {tasks:,}, p50"
    return [
        Figure(name="ready after", value=ready, unit="s", against="target", other=1.5),
        Figure(name="memory, idle", value=empty, unit="MB", against="target", other=120),
        *latency_figures("POST /api/tasks", post, target=3_000, target_ms=30),
        Figure(name="POST /api/batch of 500", value=filling, unit="tasks/s"),
        Figure(name="  until all of them are read", value=readable, unit="tasks/s"),
        *latency_figures("GET /api/tasks/{id}", get, target=6_000),
        Figure(name=many, value=p50, unit="ms", against="target", other=3),
        Figure(name="  p99", value=p99, unit="ms"),
        Figure(name="memory, after all this", value=full, unit="MB"),
    ]


def latency_figures(
    name: str, measured: Beside, *, target: float | None = None, target_ms: float | None = None
) -> list[Figure]:
    """What one kind of request came to."""
    best = measured.quickest
    bare = "uvicorn with an empty handler"
    p99 = Figure(name="  p99", value=best.p99_ms, unit="ms")
    if target_ms is not None:
        p99 = Figure(name="  p99", value=best.p99_ms, unit="ms", against="target", other=target_ms)
    rate = Figure(name=f"{name}, 32 clients", value=best.per_second, unit="/s")
    if target is not None:
        rate = Figure(name=rate.name, value=rate.value, unit="/s", against="target", other=target)
    return [
        rate,
        Figure(name="  the same", value=best.per_second, unit="/s", against=bare, other=measured.limit),
        Figure(name="  p50", value=best.p50_ms, unit="ms"),
        p99,
        *([Figure(name="  processor time of the server", value=measured.cpu_us, unit="us")] if measured.cpu_us else []),
    ]


def _require_success(measured: Measured, status: str) -> None:
    if measured.errors or set(measured.statuses) != {status}:
        raise RuntimeError(f"Not every answer was {status}: {json.dumps(measured.statuses)}, {measured.errors}")


def main() -> None:
    figures = run(int(sys.argv[1]) if len(sys.argv) > 1 else MANY_TASKS)
    print_figures("Embedded server", figures)
    print(f"\nKept in {keep_figures('embedded server', figures)}")


if __name__ == "__main__":
    main()
