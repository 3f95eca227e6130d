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
from benchmarks.http_load import Load, Measured, measure_apart, request_bytes, same
from sigdep.testing.running_server import RunningServer, running_server

CONNECTIONS = 32
SECONDS = 8.0
MANY_TASKS = 100_000
BATCH = 500
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
        return Load(host=self.host, port=self.port, connections=connections, seconds=seconds)

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


def fill(client: Client, tasks: int) -> list[str]:
    """Create so many tasks, spread over a year of due dates and all priorities. Returns the ids of some of them."""
    now = datetime.now(UTC)
    ids: list[str] = []
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
            answer = http.post("/api/batch", json={"operations": operations}).raise_for_status().json()
            ids.append(answer["results"][0]["id"])
    return ids


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
def bare_server() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-m", "benchmarks.bare_server"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def measure_limit() -> tuple[Measured, Measured]:
    """What uvicorn reaches with the same load when nothing is done at all: for POST and GET."""
    with bare_server() as port:
        time.sleep(0.5)
        client = Client("127.0.0.1", port, "x" * 200)
        post = measure_apart(client.load(seconds=4.0), partial(_create, _create_head(client)))
        get = measure_apart(client.load(seconds=4.0), partial(same, client.request("GET", "/api/tasks/1")))
    return post, get


def _create_head(client: Client) -> bytes:
    body = _create(b"", 0)
    return client.request("POST", "/api/tasks", body)[: -len(body)]


def run(tasks: int = MANY_TASKS) -> list[Figure]:
    limit_post, limit_get = measure_limit()
    with running_server(log_level="warning") as server:
        ready, empty = server.ready_seconds, server.resident_bytes / 1e6
        client = sign_in(server)
        post = measure_apart(client.load(), partial(_create, _create_head(client)))
        _require_success(post, "201")
        started = time.perf_counter()
        ids = fill(client, tasks)
        filling = tasks / (time.perf_counter() - started)
        requests = [client.request("GET", f"/api/tasks/{task_id}") for task_id in ids]
        get = measure_apart(client.load(), partial(_get, requests))
        _require_success(get, "200")
        p50, p99 = time_list(client)
        full = server.resident_bytes / 1e6
    bare = "uvicorn with an empty handler"
    return [
        Figure(name="ready after", value=ready, unit="s", against="target", other=1.5),
        Figure(name="memory, idle", value=empty, unit="MB", against="target", other=120),
        Figure(name="POST /api/tasks, 32 clients", value=post.per_second, unit="/s", against="target", other=3_000),
        Figure(name="  the same", value=post.per_second, unit="/s", against=bare, other=limit_post.per_second),
        Figure(name="  p50", value=post.p50_ms, unit="ms"),
        Figure(name="  p99", value=post.p99_ms, unit="ms", against="target", other=30),
        Figure(name="POST /api/batch of 500", value=filling, unit="tasks/s"),
        Figure(name="GET /api/tasks/{id}, 32 clients", value=get.per_second, unit="/s", against="target", other=6_000),
        Figure(name="  the same", value=get.per_second, unit="/s", against=bare, other=limit_get.per_second),
        Figure(name="  p99", value=get.p99_ms, unit="ms"),
        Figure(name=f"my open tasks due this week of {tasks:,}, p50", value=p50, unit="ms", against="target", other=3),
        Figure(name="  p99", value=p99, unit="ms"),
        Figure(name="memory, after all this", value=full, unit="MB"),
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
