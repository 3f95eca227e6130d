"""What goes wrong on the way to the server comes in the words of the kernel, in time, and quotes nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import msgspec
import pytest

from sigdep.adapters.opensearch.errors import refusal, translated
from sigdep.adapters.opensearch.search_index import OpenSearchIndex
from sigdep.kernel.errors import Invalid, SigdepError, Unavailable
from sigdep.kernel.read_store import ModelGone, ModelId
from sigdep.testing.opensearch_server import FIRST_START_SECONDS_MAX, OpenSearchServer
from sigdep.testing.ports import free_port
from sigdep.testing.search_index import OURS, entry

pytestmark = pytest.mark.timeout(FIRST_START_SECONDS_MAX)

BUILD = ModelId("texts", 1)
SECONDS_MAX = 30.0


def _exceptions(kind: type[BaseException]) -> list[type[BaseException]]:
    return [kind, *(found for below in kind.__subclasses__() for found in _exceptions(below))]


@pytest.mark.parametrize("kind", [*_exceptions(aiohttp.ClientError), TimeoutError, ConnectionResetError, OSError])
def test_whatever_the_client_raises_is_unavailable(kind: type[BaseException]) -> None:
    with pytest.raises(Unavailable), translated():
        raise kind.__new__(kind)


@pytest.mark.parametrize(
    "status, kind, expected",
    [
        (404, "index_not_found_exception", ModelGone),
        (429, "circuit_breaking_exception", Unavailable),
        (503, "cluster_block_exception", Unavailable),
        (403, "cluster_block_exception", Unavailable),
        (401, "security_exception", Unavailable),
        (500, "search_phase_execution_exception", Unavailable),
        (400, "mapper_parsing_exception", Invalid),
        (400, "parse_exception", Invalid),
    ],
)
def test_a_refusal_is_of_its_kind_and_quotes_nothing(status: int, kind: str, expected: type[SigdepError]) -> None:
    error = refusal(status, {"type": kind, "reason": "failed to parse [secret]"})
    assert type(error) is expected
    assert "secret" not in str(error)
    assert type(refusal(502, "Bad Gateway")) is Unavailable


@asynccontextmanager
async def answering(said: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that says the same to everybody, and what it was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


def _answer(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status.encode(), len(body), body)


@pytest.mark.parametrize(
    "said",
    [
        _answer("502 Bad Gateway", b"<html>secret</html>"),
        _answer("200 OK", b"[]"),
        _answer("200 OK", b"{}"),
        _answer("200 OK", b"not JSON"),
        _answer("302 Found", b""),
        _answer("404 Not Found", b"{}"),
        _answer("429 Too Many Requests", msgspec.json.encode({"error": {"type": "busy", "reason": "secret"}})),
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{}",
        b"secret",
        b"",
    ],
)
async def test_whatever_answers_in_its_place_is_unavailable(said: bytes) -> None:
    async with answering(said) as (port, _):
        index = OpenSearchIndex(f"http://127.0.0.1:{port}")
        for call in _questions(index):
            with pytest.raises(Unavailable) as raised:
                await call()
            assert "secret" not in str(raised.value)
        await index.close()


def _questions(index: OpenSearchIndex) -> list[Callable[[], Awaitable[object]]]:
    return [
        lambda: index.search(BUILD, OURS, ["secret"], 5),
        lambda: index.walk(BUILD, None, 5),
        lambda: index.get_many(BUILD, [entry(1, "").key]),
        lambda: index.write(BUILD, [entry(1, "secret")]),
        lambda: index.refresh(BUILD),
        lambda: index.forget(BUILD, OURS),
    ]


async def test_name_and_password_go_to_the_server_and_nowhere_else() -> None:
    async with answering(_answer("401 Unauthorized", b"")) as (port, asked):
        index = OpenSearchIndex(f"http://ada:s%40cret@127.0.0.1:{port}")
        with pytest.raises(Unavailable, match="does not let us in") as raised:
            await index.refresh(BUILD)
        await index.close()
    assert b"Authorization: Basic YWRhOnNAY3JldA==\r\n" in asked[0]
    assert b"@" not in asked[0].splitlines()[0]
    assert "cret" not in f"{raised.value!r} {raised.value.__cause__!r}"


async def test_a_server_that_is_away_is_unavailable() -> None:
    index = OpenSearchIndex(f"http://127.0.0.1:{free_port()}")
    for call in _questions(index):
        with pytest.raises(Unavailable, match="cannot be reached"):
            await call()
    await index.close()


async def test_a_question_to_a_server_that_sleeps_ends_in_time(opensearch_server: OpenSearchServer) -> None:
    index = OpenSearchIndex(opensearch_server.url)
    opensearch_server.stop()
    try:
        async with asyncio.timeout(SECONDS_MAX):
            with pytest.raises(Unavailable, match="TimeoutError"):
                await index.search(BUILD, OURS, ["word"], 5)
    finally:
        opensearch_server.go_on()
        await index.close()


async def test_an_entry_that_cannot_be_taken_is_told_from_a_server_that_cannot(opensearch: OpenSearchIndex) -> None:
    await opensearch.create(BUILD)
    with pytest.raises(Invalid, match="refuses"):
        await opensearch.write(BUILD, [entry(1, "fine"), entry(2, "not fine", position=-1)])
    await opensearch.write(BUILD, [entry(1, "fine")])
