"""Requests to outside: to the checked address alone, no further than one, and bounded."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from time import time
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from sigdep.adapters.outgoing.addresses import AddressRefused, AddressRules
from sigdep.adapters.outgoing.answers import RETRY_AFTER_SECONDS_MAX, Answer, NoAnswer
from sigdep.adapters.outgoing.client import Outgoing
from sigdep.adapters.outgoing.connections import ANSWER_BYTES_MAX
from tests.rpc.certificates import Authority

LOOPBACK = AddressRules.parse("127.0.0.0/8")
SECONDS = 30.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a web server that answers so."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def saying(said: bytes, then_wait: bool = False) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """The port of a server that says these bytes to whoever comes; and whether somebody has come."""
    came, over = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        writer.write(said)
        if then_wait:
            await over.wait()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], came
    finally:
        over.set()
        server.close()
        await asyncio.sleep(0)


@asynccontextmanager
async def opened(
    rules: AddressRules = LOOPBACK, *names: Sequence[str], authority: bytes | None = None
) -> AsyncIterator[tuple[Outgoing, list[str]]]:
    """With the names that were looked up; each lookup gives the next addresses, and the last for ever."""
    asked: list[str] = []

    async def look_up(name: str) -> Sequence[str]:
        asked.append(name)
        return names[min(len(asked), len(names)) - 1]

    outgoing = Outgoing(rules, look_up=look_up if names else None, authority=authority)
    try:
        yield outgoing, asked
    finally:
        await outgoing.close()


async def taken(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.headers['Host']} {(await request.read()).decode()}")


async def test_a_name_is_resolved_once_and_the_checked_address_connected_to() -> None:
    async with serving(taken) as port, opened(LOOPBACK, ["127.0.0.1"]) as (outgoing, asked):
        answer = await outgoing.post(f"http://hooks.example:{port}/", b"hello", {}, seconds=SECONDS)
    assert (answer.status, answer.body) == (200, f"hooks.example:{port} hello".encode())
    assert asked == ["hooks.example"]


async def test_a_name_that_leads_inside_a_moment_later_is_not_followed_there() -> None:
    """DNS rebinding: the first lookup leads outside, every other one inside."""
    allowed = AddressRules.parse("127.0.0.2/32")
    async with (
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, came),
        opened(allowed, ["127.0.0.2"], ["127.0.0.1"]) as (outgoing, asked),
    ):
        url = f"http://rebound.example:{port}/"
        with pytest.raises(NoAnswer):  # Nobody listens at 127.0.0.2.
            await outgoing.post(url, b"", {}, seconds=SECONDS)
        assert asked == ["rebound.example"]
        for _ in range(3):
            with pytest.raises(AddressRefused):
                await outgoing.post(url, b"", {}, seconds=SECONDS)
        assert not came.is_set()


async def test_of_several_addresses_only_the_permitted_are_tried() -> None:
    allowed = AddressRules.parse("127.0.0.1/32")
    async with serving(taken) as port, opened(allowed, ["127.0.0.9", "10.0.0.1", "::1", "127.0.0.1"]) as (outgoing, _):
        answer = await outgoing.post(f"http://several.example:{port}/", b"", {}, seconds=SECONDS)
    assert answer.status == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.1", "0.0.0.0"])
async def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    async with saying(b"") as (port, came), opened(AddressRules(), [address]) as (outgoing, _):
        with pytest.raises(AddressRefused, match="SIGDEP_OUTGOING_ALLOW"):
            await outgoing.post(f"https://inside.example:{port}/", b"", {}, seconds=SECONDS)
        assert not came.is_set()


async def test_the_systems_own_names_are_checked_too() -> None:
    async with saying(b"") as (port, came), opened(AddressRules.parse("192.0.2.0/24")) as (outgoing, _):
        for host in ("localhost", "ip6-localhost"):
            with pytest.raises((AddressRefused, NoAnswer)):
                await outgoing.post(f"https://{host}:{port}/", b"", {}, seconds=SECONDS)
        assert not came.is_set()


async def test_a_connection_to_an_address_that_nobody_checked_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last look of all, should the ones before it ever miss something."""
    monkeypatch.setattr(AddressRules, "check", lambda _, url: urlsplit(url))
    async with saying(b"") as (port, came), opened(AddressRules()) as (outgoing, _):
        for url in (f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{port}/"):
            with pytest.raises(NoAnswer, match="cannot be reached"):
                await outgoing.post(url, b"", {}, seconds=SECONDS)
        assert not came.is_set()


async def test_a_redirect_is_an_answer_and_nothing_more() -> None:
    visited = []

    async def redirect(request: web.Request) -> web.Response:
        visited.append(request.path)
        return web.Response(status=307, headers={"Location": "/inside", "Set-Cookie": "a=b"})

    async with serving(redirect) as port, opened() as (outgoing, _):
        for _ in range(2):
            answer = await outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, seconds=SECONDS)
            assert answer.status == 307
    assert visited == ["/", "/"]


async def test_no_proxy_and_no_cookie_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    cookies = []

    async def bake(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "a=b"})

    async with serving(bake) as port, opened(LOOPBACK, ["127.0.0.1"]) as (outgoing, _):
        for _ in range(2):  # By a name: of a number no cookie would be kept anyway.
            await outgoing.post(f"http://baker.example:{port}/", b"", {}, seconds=SECONDS)
    assert cookies == [None, None]


async def test_an_answer_without_end_is_cut() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(65_536))

    async with serving(endless) as port, opened() as (outgoing, _):
        answer = await outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, seconds=SECONDS)
        assert (answer.status, len(answer.body)) == (200, ANSWER_BYTES_MAX)
        again = await outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, seconds=SECONDS)
        assert again.status == 200


async def test_nothing_is_unpacked() -> None:
    packed = gzip.compress(bytes(50_000_000))

    async def bomb(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with serving(bomb) as port, opened() as (outgoing, _):
        answer = await outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, seconds=SECONDS)
    assert answer.body == packed[:ANSWER_BYTES_MAX]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        b"HTTP/1.1 999999 No\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
        b"HTTP/1.1 200",
        bytes(1_000),
    ],
    ids=["nothing", "another protocol", "long header", "status", "length", "lengths", "half", "zeros"],
)
async def test_what_does_not_speak_http_is_said_to_be_no_answer(said: bytes) -> None:
    async with saying(said) as (port, _), opened() as (outgoing, _asked):
        with pytest.raises(NoAnswer, match=r"\.$"):
            await outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, seconds=SECONDS)


async def test_who_answers_and_hangs_up_has_answered() -> None:
    said = b"HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\nhalf of"
    async with saying(said) as (port, _), opened() as (outgoing, _asked):
        answer = await outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, seconds=SECONDS)
    assert (answer.status, answer.body) == (202, b"half of")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n"], ids=["silence", "half an answer"])
async def test_time_is_bounded(said: bytes) -> None:
    async with saying(said, then_wait=True) as (port, _), opened() as (outgoing, _asked):
        with pytest.raises(NoAnswer, match=r"within 0\.3 s"):
            await asyncio.wait_for(outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, seconds=0.3), SECONDS)


async def test_names_that_are_never_answered_are_given_up() -> None:
    async def never(name: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    outgoing = Outgoing(LOOPBACK, look_up=never)
    with pytest.raises(NoAnswer, match=r"within 0\.3 s"):
        await asyncio.wait_for(outgoing.post("https://never.example/", b"", {}, seconds=0.3), SECONDS)
    await outgoing.close()


async def test_a_name_that_does_not_exist() -> None:
    async with opened() as (outgoing, _):
        with pytest.raises(NoAnswer, match="resolved"):
            await outgoing.post("https://there-is-none.invalid/", b"", {}, seconds=SECONDS)


async def test_a_certificate_must_be_good_for_the_name(tmp_path: Path) -> None:
    papers = Authority("outside").papers()
    file = tmp_path / "papers.pem"
    file.write_bytes(papers.key + papers.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    async def answer(name: str, authority: bytes | None) -> Answer:
        async with opened(LOOPBACK, ["127.0.0.1"], authority=authority) as (outgoing, _):
            return await outgoing.post(f"https://{name}:{port}/", b"", {}, seconds=SECONDS)

    async with serving(taken, context) as port:
        assert (await answer("localhost", papers.authority)).status == 200
        for name, authority in (("other.example", papers.authority), ("localhost", None)):
            with pytest.raises(NoAnswer, match="certificate"):
                await answer(name, authority)


async def test_one_who_is_slow_does_not_hold_up_others() -> None:
    free = asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        await free.wait()
        return web.Response()

    async with serving(slow) as slow_port, serving(taken) as port, opened() as (outgoing, _):
        waiting = [
            asyncio.ensure_future(outgoing.post(f"http://127.0.0.1:{slow_port}/", b"", {}, seconds=SECONDS))
            for _ in range(60)
        ]
        await asyncio.sleep(0)
        assert (await outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, seconds=SECONDS)).status == 200
        free.set()
        assert {answer.status for answer in await asyncio.gather(*waiting)} == {200}


@pytest.mark.parametrize(
    "said, seconds",
    [
        ("0", 0),
        ("120", 120),
        ("9" * 40, RETRY_AFTER_SECONDS_MAX),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("¹", None),
    ],
)
def test_how_long_we_are_asked_to_wait(said: str, seconds: float | None) -> None:
    assert Answer(status=503, headers={"retry-after": said}, body=b"").retry_after_seconds == seconds


def test_a_date_until_which_we_are_asked_to_wait() -> None:
    def asked(moment: float) -> float | None:
        headers = {"retry-after": formatdate(moment, usegmt=True)}
        return Answer(status=503, headers=headers, body=b"").retry_after_seconds

    assert asked(time() + 600) == pytest.approx(600, abs=60)
    assert asked(time() - 600) == 0
    assert asked(time() + 10**8) == RETRY_AFTER_SECONDS_MAX
