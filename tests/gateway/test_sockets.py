"""What clients do to a socket, by accident or on purpose: each hears what is wrong, and nobody else notices."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from sigdep.gateway import deadlines, protocol
from sigdep.gateway.application import create_application
from sigdep.gateway.doors import Doors
from sigdep.http import bodies
from sigdep.http.exchange import Exchange
from sigdep.http.stamps import new_id
from sigdep.kernel.errors import TooMany
from tests.gateway.serving import exchange_bytes, serving
from tests.http.demo import SETTINGS, Notes, People

HEAD = b"Host: x\r\nAuthorization: Bearer good\r\nContent-Type: application/json\r\n"


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
async def port(notes: Notes) -> AsyncIterator[int]:
    settings = replace(SETTINGS, deadline_seconds=1.0)
    async with serving(create_application(notes.routes(), identities=People(), settings=settings)) as port:
        yield port


def post(body: bytes, *, close: bool = True, **more: str) -> bytes:
    headers = b"".join(f"{name}: {value}\r\n".encode() for name, value in more.items())
    ending = b"Connection: close\r\n" if close else b""
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST /api/notes HTTP/1.1\r\n" + HEAD + headers + ending + length + b"\r\n" + body


def chunked(parts: list[bytes], *, end: bool = True) -> bytes:
    encoded = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    head = b"POST /api/notes HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    return head + encoded + (b"0\r\n\r\n" if end else b"")


def answers(received: bytes) -> list[tuple[int, dict[str, str], Any]]:
    """Status, headers and JSON of each answer on a connection."""
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", 0))
        found.append((int(first.split(" ")[1]), headers, json.loads(rest[:length]) if length else None))
        received = rest[length:]
    return found


async def test_an_ordinary_request_is_answered_with_a_date_and_without_the_name_of_the_server(port: int) -> None:
    ((status, headers, body),) = answers(await exchange_bytes(port, post(b'{"title": "a"}')))
    assert (status, body["title"]) == (201, "a")
    assert "date" in headers
    assert "server" not in headers


async def test_pipelined_requests_are_answered_in_their_order(port: int) -> None:
    requests = [post(b'{"title": "%d"}' % number, close=number == 9) for number in range(10)]
    received = answers(await exchange_bytes(port, b"".join(requests)))
    assert [(status, body["title"]) for status, _, body in received] == [(201, str(number)) for number in range(10)]


async def test_a_request_in_single_bytes_is_a_request(port: int) -> None:
    request = post(b'{"title": "a"}')
    ((status, _, _),) = answers(await exchange_bytes(port, *(request[i : i + 1] for i in range(len(request)))))
    assert status == 201


async def test_a_client_that_has_finished_sending_still_hears_the_answer(port: int) -> None:
    ((status, _, _),) = answers(await exchange_bytes(port, post(b'{"title": "a"}'), half_close=True))
    assert status == 201


async def test_a_body_that_never_ends_is_given_up(port: int, notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "SWEEP_SECONDS", 0.05)
    request = post(b'{"title": "a"}')[:-5]
    ((status, headers, body),) = answers(await exchange_bytes(port, request))
    assert (status, body["type"], headers["connection"]) == (408, "/problems/request-timeout", "close")
    assert notes.calls == []


async def test_a_client_that_leaves_within_its_body_changes_nothing(port: int, notes: Notes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(post(b'{"title": "a"}')[:-5])
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()
    await asyncio.sleep(0.1)
    assert notes.calls == []
    assert answers(await exchange_bytes(port, post(b'{"title": "a"}')))[0][0] == 201


async def test_a_body_in_chunks_is_read(port: int) -> None:
    ((status, _, body),) = answers(await exchange_bytes(port, chunked([b'{"tit', b'le": ', b'"a"}'])))
    assert (status, body["title"]) == (201, "a")


async def test_too_large_in_chunks_is_413(port: int, notes: Notes) -> None:
    parts = [b'{"title": "', *[b"x" * 65_536] * 32, b'"}']
    ((status, _, body),) = answers(await exchange_bytes(port, chunked(parts)))
    assert (status, body["type"]) == (413, "/problems/too-large")
    assert notes.calls == []


async def test_too_large_without_an_end_is_413_and_the_connection_ends(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "DRAINED_BYTES_MAX", 100_000)
    parts = [b"x" * 65_536] * 20
    ((status, headers, _),) = answers(await exchange_bytes(port, chunked(parts, end=False)))
    assert (status, headers["connection"]) == (413, "close")


async def test_ten_megabytes_are_skipped_and_the_connection_lives_on(port: int) -> None:
    received = answers(await exchange_bytes(port, post(b"x" * 10_000_000, close=False) + post(b'{"title": "a"}')))
    assert [status for status, _, _ in received] == [413, 201]


async def test_who_asks_before_sending_is_spared_to_send_too_much(port: int) -> None:
    request = post(b"", Expect="100-continue").replace(b"Content-Length: 0", b"Content-Length: 200000000")
    ((status, headers, _),) = answers(await exchange_bytes(port, request))
    assert (status, headers["connection"]) == (413, "close")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /api/notes HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET /api/notes HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
        b"POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/notes HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"CONNECT other:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_a_problem_and_harms_nobody(
    port: int, request_bytes: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    ((status, headers, body),) = answers(await exchange_bytes(port, request_bytes))
    assert 400 <= status < 500, body
    assert headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert "Traceback" not in "".join(capfd.readouterr())
    assert answers(await exchange_bytes(port, post(b'{"title": "a"}')))[0][0] == 201


async def test_headers_have_a_bound(port: int) -> None:
    one_line = b"GET / HTTP/1.1\r\nHost: x\r\nX-Much: " + b"x" * 2_000_000
    many_lines = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Much: y\r\n" * 200_000
    for request in (one_line, many_lines):
        ((status, headers, _),) = answers(await exchange_bytes(port, request))
        assert (status, headers["connection"]) == (431, "close")


async def test_headers_that_never_end_are_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS_MAX", 0.2)
    ((status, _, _),) = answers(await exchange_bytes(port, b"GET / HTTP/1.1\r\nHost: x\r\nX-More: "))
    assert status == 408


async def test_bytes_that_come_slowly_do_not_win_time_by_it(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS_MAX", 0.2)
    drops = [b"GET / HTTP/1.1\r\nHost: x\r\nX-More: ", *[b"x"] * 20]
    ((status, _, _),) = answers(await exchange_bytes(port, *drops, pause_seconds=0.02))
    assert status == 408


async def test_a_connection_that_says_nothing_ends(notes: Notes) -> None:
    application = create_application(notes.routes(), identities=People(), settings=SETTINGS)
    async with serving(application, idle_seconds=1) as port:
        assert await exchange_bytes(port) == b""


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nX: y"])
async def test_no_header_of_a_client_can_put_another_into_the_answer(port: int, value: str) -> None:
    request = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: %s\r\n\r\n" % value.encode()
    received = await exchange_bytes(port, request)
    assert not re.search(rb"(?mi)^(set-cookie|x):", received)


async def test_many_clients_at_once_each_hear_their_own_answer(port: int, notes: Notes) -> None:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": "Bearer good"}
    ) as client:
        made = await asyncio.gather(*(client.post("/api/notes", json={"title": str(number)}) for number in range(100)))
    assert [answer.json()["title"] for answer in made] == [str(number) for number in range(100)]
    assert len({answer.headers["x-request-id"] for answer in made}) == len(notes.notes) == 100


async def test_an_answer_with_a_line_break_in_a_header_is_never_sent() -> None:
    refused: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        try:
            scope["sigdep.connection"].reply_at_once(
                Exchange(scope, new_id()), 200, [(b"location", b"/a\r\nSet-Cookie: x=1")], b""
            )
        except RuntimeError as error:
            refused.append(str(error))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with serving(application) as port:
        received = await exchange_bytes(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert refused == ["A header of an answer holds a line break."]
    assert b"204" in received.splitlines()[0]
    assert b"Set-Cookie" not in received


async def _kept(port: int) -> asyncio.StreamWriter:
    """A connection that has been answered, and is kept open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 200 " in await reader.readline()
    return writer


@pytest.mark.parametrize(
    "doors, status, kind",
    [(Doors(connections_max=2), 503, "/unavailable"), (Doors(address_max=2), 429, "/too-many-requests")],
    ids=["all", "of one address"],
)
async def test_one_connection_too_many_is_told_so_and_the_others_are_served(
    doors: Doors, status: int, kind: str, notes: Notes
) -> None:
    application = create_application(notes.routes(), identities=People(), settings=SETTINGS)
    async with serving(application, doors=doors) as port:
        kept = [await _kept(port) for _ in range(2)]
        for request in (b"", post(b"{}"), post(b"{}")[:20]):
            ((answered, headers, problem),) = answers(await exchange_bytes(port, request))
            assert (answered, problem["status"]) == (status, status)
            assert problem["type"].endswith(kind)
            assert problem["detail"]
            assert headers["content-type"] == "application/problem+json"
            assert int(headers["retry-after"]) > 0
            assert headers["x-request-id"]
        shown = {sample.name: sample.value for metric in doors.collect() for sample in metric.samples if sample.value}
        assert shown == {"sigdep_http_connections": 2, "sigdep_http_connections_refused_total": 3}
        kept.pop().close()
        async with asyncio.timeout(10):
            while next(iter(doors.collect())).samples[0].value > 1:
                await asyncio.sleep(0.01)
        kept.append(await _kept(port))
        for one in kept:
            one.close()


def test_a_trusted_proxy_holds_as_many_connections_as_there_is_room_for() -> None:
    doors = Doors(address_max=2, trusted=(ip_network("10.0.0.0/8"),))
    for _ in range(5):
        doors.enter(("10.1.2.3", 5))
    names = [doors.enter((f"2001:db8::{number}", 5)) for number in range(2)]
    with pytest.raises(TooMany):
        doors.enter(("2001:db8::3", 5))
    doors.leave(names[0])
    doors.enter(("2001:db8::3", 5))
