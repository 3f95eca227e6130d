"""`/api/live`: many clients in one workspace, a steady stream of changes, and slow readers beside them.

From the moment before a change is asked for to its receipt, so that it holds the commit too. Clients and server share
the machine. Held against a server that writes as many bytes to as many sockets as often, and does nothing else.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from time import perf_counter
from typing import Final

import httpx
import uvloop
from websockets.frames import Frame, Opcode

from benchmarks.embedded import PASSWORD, sign_in
from benchmarks.figures import Figure, keep_figures, print_figures
from sigdep.testing.running_server import RunningServer, running_server

LISTENERS: Final = 1_000
SLOW: Final = 100
SLOW_BYTES_PER_SECOND: Final = 1_024
CHANGES_PER_SECOND: Final = 100
SECONDS: Final = 8.0
USER_CONNECTIONS: Final = 45
OPENED_AT_ONCE: Final = 20
READY_SECONDS_MAX: Final = 30.0

BARE: Final = "writing to as many sockets, and no more"

_MARK: Final = b'"title":"change '


class Run:
    """When each change was asked for, and how long after that each listener had it."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.delays: list[float] = []


class Listener(asyncio.Protocol):
    """Reads no more of a frame than it must: its own cost must stay small beside the server's."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._rest = b""
        self.subscribed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        now = perf_counter()
        data = self._rest + data
        if not self.subscribed.is_set() and b'"subscribed"' in data:
            self.subscribed.set()
        start = 0
        while (found := data.find(_MARK, start)) >= 0:
            end = data.find(b'"', found + len(_MARK))
            if end < 0:
                break
            self._run.delays.append(now - self._run.asked[int(data[found + len(_MARK) : end])])
            start = end
        self._rest = data[max(start, len(data) - 64) :]


def handshake(server: RunningServer, token: str) -> bytes:
    url = httpx.URL(server.url)
    return (
        f"GET /api/live HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nAuthorization: Bearer {token}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def subscribe(workspace: str) -> bytes:
    message = {"subscribe": {"workspace_id": workspace, "from": "latest"}}
    return Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=True)


async def people(server: RunningServer, owner: httpx.AsyncClient, count: int) -> tuple[str, list[str]]:
    """A workspace, and the tokens of so many members of it."""
    workspace: str = (await owner.post("/api/workspaces", json={"name": "All of us"})).raise_for_status().json()["id"]
    tokens: list[str] = []
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        for number in range(count):
            credentials = {"email": f"member-{number}@example.org", "password": PASSWORD}
            (await http.post("/api/users", json=credentials | {"name": "Member"})).raise_for_status()
            token = (await http.post("/api/sessions", json=credentials)).raise_for_status().json()["access_token"]
            asked = {"email": credentials["email"], "role": "viewer"}
            invitation = await owner.post(f"/api/workspaces/{workspace}/invitations", json=asked)
            path = f"/api/invitations/{invitation.raise_for_status().json()['token']}/accept"
            (await http.post(path, json={}, headers={"Authorization": f"Bearer {token}"})).raise_for_status()
            tokens.append(token)
    return workspace, tokens


async def listen(server: RunningServer, run: Run, workspace: str, token: str) -> asyncio.BaseTransport:
    url = httpx.URL(server.url)
    loop = asyncio.get_running_loop()
    transport, listener = await loop.create_connection(lambda: Listener(run), url.host, url.port)
    transport.write(handshake(server, token))
    await asyncio.sleep(0.2)  # What follows a handshake too closely is lost.
    transport.write(subscribe(workspace))
    async with asyncio.timeout(READY_SECONDS_MAX):
        await listener.subscribed.wait()
    return transport


async def read_slowly(server: RunningServer, workspace: str, token: str) -> None:
    url, loop = httpx.URL(server.url), asyncio.get_running_loop()
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        reader.setblocking(False)
        await loop.sock_connect(reader, (url.host, url.port))
        await loop.sock_sendall(reader, handshake(server, token))
        await loop.sock_recv(reader, 1_024)
        await loop.sock_sendall(reader, subscribe(workspace))
        while await loop.sock_recv(reader, SLOW_BYTES_PER_SECOND):  # noqa: ASYNC110  Slowness is the purpose.
            await asyncio.sleep(1)


async def change(owner: httpx.AsyncClient, run: Run, workspace: str, seconds: float) -> None:
    """At a steady rate, whether the answers come quickly or not."""
    pending: set[asyncio.Task[httpx.Response]] = set()
    started = perf_counter()
    for number in range(int(seconds * CHANGES_PER_SECOND)):
        await asyncio.sleep(started + number / CHANGES_PER_SECOND - perf_counter())
        run.asked.append(perf_counter())
        body = {"workspace_id": workspace, "title": f"change {number}"}
        pending.add(asyncio.create_task(owner.post("/api/tasks", json=body)))
    for answer in await asyncio.gather(*pending):
        answer.raise_for_status()
    await asyncio.sleep(1)


async def measure(server: RunningServer, listeners: int, slow: int, seconds: float) -> tuple[Run, str]:
    """What came of it, and the metrics of the server then."""
    run = Run()
    token = sign_in(server).token
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60) as owner:
        workspace, tokens = await people(server, owner, -(-(listeners + slow) // USER_CONNECTIONS))
        keys = [tokens[number // USER_CONNECTIONS] for number in range(listeners + slow)]
        transports: list[asyncio.BaseTransport] = []
        for start in range(0, listeners, OPENED_AT_ONCE):
            some = keys[start : min(start + OPENED_AT_ONCE, listeners)]
            transports += await asyncio.gather(*(listen(server, run, workspace, key) for key in some))
        readers = [asyncio.create_task(read_slowly(server, workspace, key)) for key in keys[listeners:]]
        await asyncio.sleep(1)
        await change(owner, run, workspace, seconds)
        metrics = (await owner.get("/metrics")).text
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        for transport in transports:
            transport.close()
    return run, metrics


async def measure_bare(port: int, listeners: int, seconds: float) -> Run:
    """The same listeners at a server that passes on what it is told."""
    run, loop = Run(), asyncio.get_running_loop()
    others: list[asyncio.BaseTransport] = []
    for _ in range(listeners):
        other, listener = await loop.create_connection(lambda: Listener(run), "127.0.0.1", port)
        others.append(other)
        await listener.subscribed.wait()
    speaker, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
    started = perf_counter()
    for number in range(int(seconds * CHANGES_PER_SECOND)):
        await asyncio.sleep(started + number / CHANGES_PER_SECOND - perf_counter())
        run.asked.append(perf_counter())
        speaker.write(_MARK + b"%d\n" % number)
    await asyncio.sleep(1)
    for transport in (speaker, *others):
        transport.close()
    return run


def limit(listeners: int, seconds: float) -> Run:
    with subprocess.Popen([sys.executable, "-m", "benchmarks.bare_room"], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            return uvloop.run(measure_bare(int(process.stdout.readline()), listeners, seconds))
        finally:
            process.terminate()


def share(delays: Sequence[float], part: float) -> float:
    """Milliseconds."""
    return sorted(delays)[min(len(delays) - 1, int(part * len(delays)))] * 1_000


def run(listeners: int = LISTENERS, seconds: float = SECONDS) -> list[Figure]:
    figures: list[Figure] = []
    for slow in (0, SLOW):
        with running_server(log_level="warning") as server:
            measured, metrics = uvloop.run(measure(server, listeners, slow, seconds))
            memory = server.resident_bytes / 1e6
        bare = limit(listeners, seconds)
        for one in (measured, bare):
            if len(one.delays) != (expected := len(one.asked) * listeners):
                raise RuntimeError(f"{len(one.delays):,} receipts, not {expected:,}.")
        name = f"{listeners:,} listeners" + (f" beside {slow} who read 1 KB/s" if slow else "")
        dropped = next(line for line in metrics.splitlines() if 'closed_total{why="too_slow"' in line)
        figures += [
            Figure(name=f"{name}, p50", value=share(measured.delays, 0.5), unit="ms", against="target", other=15),
            Figure(
                name="  the same",
                value=share(measured.delays, 0.5),
                unit="ms",
                against=BARE,
                other=share(bare.delays, 0.5),
            ),
            Figure(name="  p99", value=share(measured.delays, 0.99), unit="ms", against="target", other=100),
            Figure(
                name="  the same",
                value=share(measured.delays, 0.99),
                unit="ms",
                against=BARE,
                other=share(bare.delays, 0.99),
            ),
            Figure(name="  memory of the server", value=memory, unit="MB"),
            Figure(name="  slow readers dropped", value=float(dropped.rpartition(" ")[2]), unit=""),
        ]
    return figures


def main() -> None:
    figures = run(int(sys.argv[1]) if len(sys.argv) > 1 else LISTENERS)
    print_figures("Live", figures)
    print(f"\nKept in {keep_figures('live', figures)}")


if __name__ == "__main__":
    main()
