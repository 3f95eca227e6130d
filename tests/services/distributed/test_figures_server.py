"""The pages of a role for its operator: what they show, and that nobody keeps them busy."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
from prometheus_client import Counter

from sigdep.gateway.figures import Figures
from sigdep.services.distributed import figures_server
from sigdep.services.distributed.figures_server import HEAD_BYTES_MAX, figures_shown
from sigdep.services.settings import BadSetting

HOST = "127.0.0.1"
SECONDS_MAX = 20.0


class Parts:
    fault: str | None = None

    async def check(self) -> str | None:
        return self.fault


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
async def port(parts: Parts) -> AsyncIterator[int]:
    figures = Figures()
    Counter("sigdep_things", "Things.", registry=figures.registry).inc(7)
    async with figures_shown(HOST, 0, figures, {"log": parts.check}) as taken:
        assert taken is not None
        yield taken


async def ask(port: int, sent: bytes) -> bytes:
    """All that comes back. Nothing, where the connection is cut while we still write or wait."""
    reader, writer = await asyncio.open_connection(HOST, port)
    answer = b""
    with suppress(ConnectionError):
        writer.write(sent)
        async with asyncio.timeout(SECONDS_MAX):
            answer = await reader.read()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return answer


async def test_figures_and_health_are_shown(port: int, parts: Parts) -> None:
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=SECONDS_MAX) as client:
        page = await client.get("/metrics")
        assert (page.status_code, page.headers["content-type"][:10]) == (200, "text/plain")
        assert "sigdep_things_total 7.0" in page.text
        assert (await client.get("/health/live")).json() == {"status": "ok", "parts": {}}
        assert (await client.get("/health/ready?x=1")).json() == {"status": "ok", "parts": {"log": "ok"}}
        parts.fault = "It is asleep."
        ill = await client.get("/health/ready")
        assert (ill.status_code, ill.json()["parts"]) == (503, {"log": "It is asleep."})
        head = await client.head("/metrics")
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "sent, status",
    [
        (b"GET /api/tasks HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"405"),
        (b"GET  /metrics HTTP/1.1\r\n\r\n", b"400"),
        (b"\r\n\r\n", b"400"),
        (b"\xff\xfe\x00\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/2\r\n\r\n", b"400"),
    ],
)
async def test_what_is_not_understood_is_refused(port: int, sent: bytes, status: bytes) -> None:
    assert (await ask(port, sent)).startswith(b"HTTP/1.1 " + status)
    assert b"200 OK" in await ask(port, b"GET /metrics HTTP/1.1\r\n\r\n")


async def test_a_head_that_is_too_long_or_never_ends_is_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures_server, "HEAD_SECONDS_MAX", 0.2)
    assert await ask(port, b"GET /metrics HTTP/1.1\r\n") == b""
    assert await ask(port, b"x" * (4 * HEAD_BYTES_MAX)) == b""
    assert b"200 OK" in await ask(port, b"GET /metrics HTTP/1.1\r\n\r\n")


async def test_too_many_at_once_are_not_answered(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures_server, "CONNECTIONS_MAX", 2)
    waiting = [await asyncio.open_connection(HOST, port) for _ in range(2)]
    await asyncio.sleep(0.1)
    assert await ask(port, b"GET /metrics HTTP/1.1\r\n\r\n") == b""
    for _, writer in waiting:
        writer.close()
        await writer.wait_closed()
    async with asyncio.timeout(SECONDS_MAX):
        while b"200 OK" not in await ask(port, b"GET /metrics HTTP/1.1\r\n\r\n"):
            await asyncio.sleep(0.05)


async def test_a_port_that_is_taken_is_said_by_its_setting() -> None:
    with socket.create_server((HOST, 0)) as other:
        taken = figures_shown(HOST, other.getsockname()[1], Figures(), {})
        with pytest.raises(BadSetting, match="SIGDEP_METRICS_PORT: cannot listen"):
            await taken.__aenter__()


async def test_where_no_port_is_set_nothing_is_shown() -> None:
    async with figures_shown(HOST, None, Figures(), {}) as port:
        assert port is None
