"""Bytes that no HTTP client would send: the connection is refused or cut, and everybody else is served as before."""

import asyncio
import os
import random
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from sigdep.testing.running_server import RunningServer, running_server
from tests.patience import patience
from tests.system.feed import read_events
from tests.system.person import Person

ANSWER_SECONDS_MAX = 2.0
CUT_SECONDS_MAX = 20.0
SLOW_CLIENTS = 100


async def exchange(url: str, sent: bytes, timeout_seconds: float = 5.0) -> bytes:
    """What comes back for the bytes, up to the end of the connection or of the time."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    got = b""
    try:
        async with asyncio.timeout(timeout_seconds):
            writer.write(sent)
            await writer.drain()
            writer.write_eof()
            while part := await reader.read(65_536):
                got += part
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return got


def _garbage() -> Iterator[tuple[str, bytes]]:
    chance = random.Random(7)
    post = b"POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    yield "nothing", b""
    yield "line ends", b"\r\n" * 100
    for number in range(30):
        yield f"random bytes {number}", chance.randbytes(1 << chance.randrange(16))
    yield "TLS", bytes.fromhex("16030100c8010000c40303") + os.urandom(200)
    yield "HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 50
    yield "HTTP/0.9", b"GET /\r\n"
    yield "HTTP/9.9", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n"
    yield "no method", b" / HTTP/1.1\r\n\r\n"
    yield "a very long line", b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "a very long header", b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 1_000_000 + b"\r\n\r\n"
    yield "very many headers", b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200_000 + b"\r\n"
    yield "a header without a colon", b"GET / HTTP/1.1\r\nHost x\r\n\r\n"
    yield "a header with a NUL", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n"
    yield "a folded header", b"GET /health/live HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\nConnection: close\r\n\r\n"
    yield "a path of raw bytes", b"GET /\xff\xfe\x00 HTTP/1.1\r\nHost: x\r\n\r\n"
    yield (
        "an absolute path elsewhere",
        b"GET http://example.org/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    yield "an asterisk", b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    yield "a tunnel", b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "a negative length", post + b"Content-Length: -1\r\n\r\n{}"
    yield "a length in words", post + b"Content-Length: ten\r\n\r\n{}"
    yield "a huge length", post + b"Content-Length: 99999999999999999999999999\r\n\r\n{}"
    yield "two lengths", post + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"
    yield "a length and chunks", post + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    yield "an unknown encoding", post + b"Transfer-Encoding: gzip\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    yield "a bad chunk", post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
    yield "a huge chunk", post + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n{}\r\n"
    yield "half a body", post + b"Content-Length: 1000\r\n\r\n{"
    yield "half a header", b"GET /api/tasks HTTP/1.1\r\nHost: x\r\nAutho"
    yield "an upgrade to nothing", b"GET /api/tasks HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    yield (
        "a broken WebSocket",
        (
            b"GET /api/live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: x\r\n\r\n"
        ),
    )


async def test_garbage_harms_nobody(server: RunningServer, ada: Person) -> None:
    before = await read_events(ada)
    for what, sent in _garbage():
        started = time.perf_counter()
        got = await exchange(server.url, sent)
        seconds = time.perf_counter() - started
        assert seconds < ANSWER_SECONDS_MAX, f"{what}: {seconds:.1f} s"
        status = got.split(b" ", 2)[1:2]
        assert not status or status[0][:1] in b"234", f"{what}: {got[:300]!r}"
        assert not status or status[0][:1] != b"2" or b"/health" in sent or b"OPTIONS" in sent, f"{what}: {got[:300]!r}"
        assert b"Traceback" not in got
    assert server.is_running
    assert (await ada.client.get("/health/live")).status_code == 200
    assert await read_events(ada) == before
    assert "Traceback" not in server.printed


async def test_a_header_that_may_stand_once_may_not_stand_twice(server: RunningServer, ada: Person) -> None:
    for name in ("Authorization", "Content-Type", "Idempotency-Key", "If-Match"):
        value = {"Authorization": f"Bearer {ada.token}", "Content-Type": "application/json"}.get(name, '"1"')
        twice = f"{name}: {value}\r\n" * 2
        once = "" if name == "Authorization" else f"Authorization: Bearer {ada.token}\r\n"
        sent = (
            f"POST /api/tasks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{once}{twice}"
            'Content-Length: 15\r\n\r\n{"title": "abc"}'
        )
        got = (await exchange(server.url, sent.encode())).decode()
        assert got.startswith("HTTP/1.1 400 "), f"{name}: {got}"
        assert "application/problem+json" in got
        assert name.lower() in got
    assert await ada.items("/api/tasks") == []


async def test_a_chunked_body_over_the_limit_is_refused(server: RunningServer, ada: Person) -> None:
    async def endless() -> object:
        yield b'{"title": "'
        for _ in range(64):
            yield b"x" * 32_768
        yield b'"}'

    started = time.perf_counter()
    answer = await ada.client.post("/api/tasks", content=endless(), headers={"Content-Type": "application/json"})  # type: ignore[arg-type]
    assert answer.status_code == 413, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert time.perf_counter() - started < patience(ANSWER_SECONDS_MAX)
    assert await ada.items("/api/tasks") == []


@pytest.mark.timeout(120)
async def test_slow_clients_are_cut_off_and_delay_nobody() -> None:
    """Half of them never finish their headers, half never finish their bodies."""
    with running_server(request_seconds=2) as server:
        place = urlsplit(server.url)
        head = b"POST /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        connections = []
        for number in range(SLOW_CLIENTS):
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
            writer.write(head if number % 2 else head + b"Content-Length: 1000\r\n\r\n{")
            await writer.drain()
            connections.append((reader, writer))
        started = time.perf_counter()
        dripping = [asyncio.create_task(_drip(writer)) for _, writer in connections]
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
            for _ in range(20):
                asked = time.perf_counter()
                assert (await client.get("/health/live")).status_code == 200
                assert time.perf_counter() - asked < patience(1.0)
        try:
            async with asyncio.timeout(CUT_SECONDS_MAX):
                await asyncio.gather(*(_until_closed(reader) for reader, _ in connections))
        except TimeoutError:
            open_still = [number for number, (reader, _) in enumerate(connections) if not reader.at_eof()]
            kinds = {"headers" if number % 2 else "bodies" for number in open_still}
            pytest.fail(f"{len(open_still)} are open after {time.perf_counter() - started:.0f} s: slow {kinds}.")
        finally:
            for task in dripping:
                task.cancel()
            for _, writer in connections:
                writer.close()


async def _drip(writer: asyncio.StreamWriter) -> None:
    """One byte now and then, so that the connection is never idle."""
    try:
        while True:
            await asyncio.sleep(0.5)
            writer.write(b"a")
            await writer.drain()
    except ConnectionError:
        return


async def _until_closed(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(65_536):
            pass
    except ConnectionError:
        return
