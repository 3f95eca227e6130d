"""What WebSocket clients do to a connection, by accident or on purpose, on real sockets."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from time import perf_counter
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from sigdep.gateway.application import create_application
from sigdep.gateway.live import bounds, options, protocol
from sigdep.gateway.live.closing import Close
from sigdep.services.gateway_settings import limits_of
from sigdep.services.settings import Settings
from tests.gateway.live_world import World
from tests.gateway.serving import serving
from tests.gateway.test_live_order import until
from tests.http.demo import SETTINGS, WORKSPACE
from tests.patience import patience

GOOD = {"Authorization": "Bearer good"}
ORIGIN = "https://app.example.org"


@pytest.fixture
def world() -> World:
    return World()


@asynccontextmanager
async def served(world: World) -> AsyncIterator[int]:
    settings = replace(SETTINGS, allowed_origins=(ORIGIN,), limits=limits_of(Settings()))
    async with world.open() as hub:
        application = create_application([], identities=world.people, settings=settings, live=hub)
        async with serving(application) as port:
            yield port


@pytest.fixture
async def port(world: World) -> AsyncIterator[int]:
    async with served(world) as port:
        yield port


def live(port: int, query: str = "", **more: Any) -> connect:
    more.setdefault("additional_headers", GOOD)
    return connect(f"ws://127.0.0.1:{port}/api/live{query}", **more)


async def subscribed(client: ClientConnection, **subscribe: Any) -> Any:
    await client.send(json.dumps({"subscribe": subscribe}))
    return json.loads(await client.recv())


async def refused(port: int, query: str = "", **more: Any) -> tuple[int, Any]:
    with pytest.raises(InvalidStatus) as caught:
        async with live(port, query, **more):
            pass
    answer = caught.value.response
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, json.loads(answer.body)


async def close_code(client: ClientConnection) -> int:
    async with asyncio.timeout(10):
        with suppress(ConnectionClosed):
            while True:
                await client.recv()
    assert client.close_code is not None
    return client.close_code


async def test_an_event_is_pushed_as_one_json_object(port: int, world: World) -> None:
    async with live(port) as client:
        await subscribed(client)
        await world.write("a")
        message = json.loads(await client.recv())
        assert message.keys() == {"position", "event"}
        assert message["event"]["specversion"] == "1.0"
        assert client.protocol.extensions == []


@pytest.mark.parametrize(
    "more, status",
    [
        ({"additional_headers": {}}, 401),
        ({"additional_headers": {"Authorization": "Bearer stranger"}}, 401),
        ({"additional_headers": {"Authorization": "Basic x"}}, 401),
        ({"additional_headers": {"Authorization": "Bearer reader"}}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"query": "?ticket=made-up", "additional_headers": {}}, 401),
        ({"query": "?ticket=" + "x" * 65}, 422),
        ({"query": "?token=good", "additional_headers": {}}, 422),
    ],
)
async def test_who_may_not_come_in_hears_why(
    port: int, more: dict[str, Any], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    answered, problem = await refused(port, **more)
    assert (answered, problem["status"]) == (status, status)
    assert [record for record in caplog.records if record.name != "asyncio"] == []


async def test_our_own_pages_and_those_the_operator_names_may_listen(port: int) -> None:
    for origin in (f"http://127.0.0.1:{port}", f"https://127.0.0.1:{port}", ORIGIN):
        async with live(port, origin=origin) as client:
            assert "subscribed" in await subscribed(client)


async def test_a_ticket_stands_for_its_maker_once(port: int, caplog: pytest.LogCaptureFixture) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=GOOD) as http:
        answer = await http.post("/api/live/tickets")
        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        ticket = answer.json()["ticket"]
        assert (await http.post("/api/live/tickets", json={"for": "bob"})).status_code == 422
        del http.headers["Authorization"]
        assert (await http.post("/api/live/tickets")).status_code == 401
    async with live(port, f"?ticket={ticket}", additional_headers={}, origin=ORIGIN) as client:
        assert (await subscribed(client))["subscribed"]["workspace_id"] == str(WORKSPACE)
    status, _ = await refused(port, f"?ticket={ticket}", additional_headers={})
    assert status == 401
    assert ticket not in caplog.text


async def test_credentials_in_a_row_that_are_none_are_not_looked_at_any_more(port: int, world: World) -> None:
    statuses = [(await refused(port, additional_headers={"Authorization": "Bearer x"}))[0] for _ in range(50)]
    assert set(statuses) == {401, 429}
    assert len(world.people.asked) < 45


async def send_raw(client: ClientConnection, *frames: Frame) -> None:
    """Below the library, which would refuse to."""
    for frame in frames:
        client.transport.write(frame.serialize(mask=True))
    await asyncio.sleep(0)


def text(data: bytes, *, fin: bool = True) -> Frame:
    return Frame(Opcode.TEXT, data, fin=fin)


@pytest.mark.parametrize(
    "hurt, code",
    [
        (lambda: text(b"\xff\xfe").serialize(mask=True), 1007),
        (lambda: text(b'{"subscribe": {}}').serialize(mask=False), 1002),
        (lambda: text(b"x" * (bounds.MESSAGE_BYTES_MAX + 1)).serialize(mask=True), 1009),
        (lambda: b"\x81\xff" + (1 << 62).to_bytes(8, "big") + b"mask", 1009),
        (lambda: b"\x83\x80mask", 1002),
        (lambda: b"\xf1\x80mask", 1002),
        (lambda: Frame(Opcode.CONT, b"x").serialize(mask=True), 1002),
        (lambda: b"\x89\xfe\x00\x7emask" + b"x" * 126, 1002),
        (lambda: b"\x88\x81maskx", 1002),
        (lambda: Frame(Opcode.CLOSE, b"\x03\xe8\xff").serialize(mask=True), 1007),
    ],
)
async def test_what_is_no_websocket_is_closed_with_the_code_of_the_standard_and_harms_nobody(
    port: int, world: World, hurt: Callable[[], bytes], code: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with live(port) as other, live(port) as client:
        await subscribed(other)
        await subscribed(client)
        client.transport.write(hurt())
        # A frame that is broken may be a broken close: the library then reports its own view of the end.
        assert await close_code(client) in (code, 1006)
        await world.write("a")
        assert json.loads(await other.recv())["event"]["data"] == {"text": "a"}
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_message_in_parts_is_a_message_and_a_binary_one_is_answered(port: int) -> None:
    async with live(port) as client:
        await send_raw(client, text(b'{"subs', fin=False), Frame(Opcode.CONT, b'cribe": {}}', fin=True))
        assert "subscribed" in json.loads(await client.recv())
        await client.send(b"\x00\x01")
        assert json.loads(await client.recv())["error"]["status"] == 422
        await client.send("{")
        assert json.loads(await client.recv())["error"]["status"] == 400


async def test_a_peer_that_answers_no_ping_is_dead(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(options.WEBSOCKETS, "ws_ping_interval", 0.1)
    monkeypatch.setitem(options.WEBSOCKETS, "ws_ping_timeout", 0.2)
    async with served(world) as port, live(port) as alive:
        dead, key = socket.create_connection(("127.0.0.1", port)), "dGhlIHNhbXBsZSBub25jZQ=="
        dead.sendall(
            f"GET /api/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        await until(lambda: world.hub.counts.connections == 2)
        await until(lambda: world.hub.counts.connections == 1)
        assert world.hub.counts.closed["silent"] == 1
        assert dead.recv(4_096)[-44:].find(Close.SILENT.to_bytes(2, "big")) > 0
        dead.close()
        assert "subscribed" in await subscribed(alive)


async def slow_reader(port: int) -> socket.socket:
    """Subscribed, and reads nothing by itself."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    reader.connect(("127.0.0.1", port))
    reader.sendall(
        b"GET /api/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert b"101" in await asyncio.to_thread(reader.recv, 1_024)
    reader.sendall(text(b'{"subscribe": {"from": "latest"}}').serialize(mask=True))
    return reader


async def test_a_slow_reader_is_dropped_and_told_so_while_a_quick_one_hears_everything(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "QUEUE_BYTES_MAX", 20_000)
    monkeypatch.setattr(protocol, "SEND_BUFFER_BYTES", 4_096)
    async with served(world) as port, live(port) as quick:
        await subscribed(quick)
        slow = await slow_reader(port)
        await until(lambda: world.hub.counts.subscriptions == 2)
        texts = [f"{number} {os.urandom(500).hex()}" for number in range(100)]
        for one in texts:
            await world.write(one)
            assert json.loads(await quick.recv())["event"]["data"]["text"] == one
        await until(lambda: world.hub.counts.closed["too_slow"] == 1)
        assert world.hub.counts.connections == 1
        received = await asyncio.to_thread(read_to_the_end, slow)
        assert Close.TOO_SLOW.to_bytes(2, "big") in received[-200:]


def read_to_the_end(reader: socket.socket) -> bytes:
    """Until the close frame has come, which an answer is owed to."""
    received = b""
    reader.settimeout(5)
    while Close.TOO_SLOW.to_bytes(2, "big") not in received[-200:] and (part := reader.recv(65_536)):
        received += part
    reader.close()
    return received


async def test_who_never_reads_is_gone_after_a_while_whatever_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "QUEUE_BYTES_MAX", 20_000)
    monkeypatch.setattr(protocol, "SEND_BUFFER_BYTES", 4_096)
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 0.3)
    async with served(world) as port:
        slow = await slow_reader(port)
        await until(lambda: world.hub.counts.subscriptions == 1)
        for _ in range(200):
            await world.write(os.urandom(500).hex())
            await asyncio.sleep(0.002)
        await until(lambda: world.hub.counts.connections == 0)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(read_until_the_end_or_a_reset, slow)


def read_until_the_end_or_a_reset(reader: socket.socket) -> None:
    reader.settimeout(5)
    with reader, suppress(ConnectionResetError):
        while reader.recv(65_536):
            pass


async def test_a_flood_of_pings_whose_pongs_nobody_reads_takes_no_memory(world: World, port: int) -> None:
    flooder = await slow_reader(port)
    await until(lambda: world.hub.counts.subscriptions == 1)
    flooder.setblocking(False)
    ping = Frame(Opcode.PING, b"x" * 125).serialize(mask=True) * 500
    sent, started, loop = 0, perf_counter(), asyncio.get_running_loop()
    while perf_counter() - started < 0.5 and sent < 20_000_000:
        async with asyncio.timeout(5):
            await loop.sock_sendall(flooder, ping)
        sent += len(ping)
    (served_connection,) = list(world.hub._sessions)
    transport = served_connection._outlet.transport  # type: ignore[attr-defined]
    assert transport.get_write_buffer_size() < 100_000  # What was answered before it was full.
    assert sent > 1_000_000
    flooder.close()


async def test_the_end_of_the_server_is_told_and_does_not_wait_for_who_does_not_read(world: World) -> None:
    async with world.open() as hub:
        application = create_application([], identities=world.people, settings=SETTINGS, live=hub)
        serving_it = serving(application)
        port = await serving_it.__aenter__()
        client = await live(port)
        await subscribed(client)
        slow = await slow_reader(port)
        await until(lambda: hub.counts.subscriptions == 2)
        for _ in range(200):
            await world.write(os.urandom(500).hex())
        hearing = asyncio.create_task(close_code(client))
        started = perf_counter()
        await serving_it.__aexit__(None, None, None)
        assert perf_counter() - started < patience(2.5)
        assert await hearing == 1012
        slow.close()


async def test_other_paths_have_no_websocket(port: int) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(f"ws://127.0.0.1:{port}/api/feed", additional_headers=GOOD):
            pass
    assert caught.value.response.status_code == 403
