"""A load on an HTTP server: so many connections, each with one request in flight, for so many seconds.

Its own cost must stay small beside the server's, since both share the machine: requests are ready-made bytes, and an
answer is read as far as its status and its length. Run it as a process of its own: `measure_apart`, or

    python -m benchmarks.http_load http://127.0.0.1:8000/api/tasks --connections 32 --seconds 10
"""

import argparse
import asyncio
import json
import multiprocessing
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import cast
from urllib.parse import urlsplit

import uvloop

REQUESTS_MAX = 5_000_000
CONNECT_SECONDS_MAX = 10.0
STALL_SECONDS_MAX = 30.0
"""After the end, so long do we wait for the last answers."""

Requests = Callable[[int], bytes]
"""The bytes of the nth request, counted over all connections. Called for each one: make it quick."""


@dataclass(frozen=True, kw_only=True)
class Load:
    host: str
    port: int
    connections: int
    seconds: float
    warm_up_seconds: float = 1.0
    """Before anything counts."""
    requests_max: int = REQUESTS_MAX


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What came of it. Times in milliseconds."""

    requests: int
    seconds: float
    per_second: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    statuses: dict[str, int]
    errors: dict[str, int] = field(default_factory=dict)
    """Connections lost, answers that could not be read: by what was wrong."""
    client_cpu_us: float
    """Of this process, for each request."""


def request_bytes(
    method: str, path: str, *, host: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> bytes:
    """One request, ready to be sent."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body or method not in ("GET", "HEAD", "DELETE"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def same(request: bytes, _number: int) -> bytes:
    """For `partial(same, request)`: always the same request."""
    return request


class _Run:
    """What all connections of one load share."""

    def __init__(self, load: Load, requests: Requests) -> None:
        self.load = load
        self.requests = requests
        self.sent = 0
        self.counting = load.warm_up_seconds == 0
        self.over = False
        self.latencies = array("d")
        self.statuses: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()
        self.open = 0
        self.all_closed = asyncio.Event()


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._missing = 0
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._run.open += 1
        self._next()

    def _next(self) -> None:
        run, transport = self._run, self._transport
        assert transport is not None
        if run.over or run.sent >= run.load.requests_max:
            transport.close()
            return
        request = run.requests(run.sent)
        run.sent += 1
        self._sent_at = perf_counter()
        transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
            if self._missing <= 0:
                self._done()
            return
        if self._received:
            data = self._received + data
        head_end = data.find(b"\r\n\r\n")
        if head_end < 0:
            self._received = data
            return
        self._received = b""
        self._status = int(data[9:12])
        self._missing = head_end + 4 + self._length(data, head_end) - len(data)
        if self._missing <= 0:
            self._done()

    def _length(self, data: bytes, head_end: int) -> int:
        start = data.find(b"\r\ncontent-length: ", 0, head_end)
        if start < 0:
            if self._status not in (204, 304):
                self._run.errors["an answer without a length"] += 1
            return 0
        return int(data[start + 18 : data.find(b"\r\n", start + 18)])

    def _done(self) -> None:
        run = self._run
        self._missing = 0
        if run.counting:
            run.latencies.append(perf_counter() - self._sent_at)
            run.statuses[self._status] += 1
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        run = self._run
        if not run.over and run.sent < run.load.requests_max:
            run.errors[f"connection lost: {exc or 'closed by the server'}"] += 1
        run.open -= 1
        if not run.open:
            run.all_closed.set()


async def measure(load: Load, requests: Requests) -> Measured:
    """
    Raises:
        OSError: the server cannot be reached.
        TimeoutError: it did not answer any more.
    """
    loop = asyncio.get_running_loop()
    run = _Run(load, requests)
    async with asyncio.timeout(CONNECT_SECONDS_MAX):
        await asyncio.gather(
            *(loop.create_connection(partial(_Connection, run), load.host, load.port) for _ in range(load.connections))
        )
    await _wait(run, load.warm_up_seconds)
    run.counting, started, cpu_started, sent_before = True, perf_counter(), process_time(), run.sent
    await _wait(run, load.seconds)
    run.counting, ended, cpu_ended, sent_after = False, perf_counter(), process_time(), run.sent
    run.over = True
    async with asyncio.timeout(STALL_SECONDS_MAX):
        await run.all_closed.wait()
    return _summary(run, ended - started, (cpu_ended - cpu_started) / max(1, sent_after - sent_before))


async def _wait(run: _Run, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await run.all_closed.wait()
    except TimeoutError:
        return


def _summary(run: _Run, seconds: float, cpu_seconds: float) -> Measured:
    latencies = sorted(run.latencies)

    def percentile(share: float) -> float:
        return round(latencies[min(len(latencies) - 1, int(share * len(latencies)))] * 1_000, 3) if latencies else 0.0

    return Measured(
        requests=len(latencies),
        seconds=round(seconds, 3),
        per_second=round(len(latencies) / seconds, 1),
        p50_ms=percentile(0.50),
        p90_ms=percentile(0.90),
        p99_ms=percentile(0.99),
        max_ms=percentile(1.0),
        statuses={str(status): count for status, count in sorted(run.statuses.items())},
        errors=dict(run.errors),
        client_cpu_us=round(cpu_seconds * 1e6, 1),
    )


def measure_here(load: Load, requests: Requests) -> Measured:
    return uvloop.run(measure(load, requests))


def measure_apart(load: Load, requests: Requests) -> Measured:
    """In a process of its own. `requests` is sent there: a function of a module, or a `partial` of one."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(measure_here, (load, requests))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http_load", description=__doc__.partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--body", type=Path, help="a file: the body of every request")
    parser.add_argument("--header", action="append", default=[], metavar="NAME: VALUE")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args(arguments)
    url = urlsplit(given.url)
    host, port = url.hostname or "127.0.0.1", url.port or 80
    headers = dict(header.split(": ", 1) for header in given.header)
    body = given.body.read_bytes() if given.body else b""
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    request = request_bytes(given.method, path, host=f"{host}:{port}", headers=headers, body=body)
    load = Load(host=host, port=port, connections=given.connections, seconds=given.seconds)
    measured = measure_here(load, partial(same, request))
    print(json.dumps(asdict(measured), indent=2))
    return 1 if measured.errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
