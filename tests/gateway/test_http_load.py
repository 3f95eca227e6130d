"""The load process counts what there was, and sees what went wrong."""

import asyncio
from functools import partial

import pytest
from starlette.types import Receive, Scope, Send

from benchmarks.http_load import Load, measure, request_bytes, same
from sigdep.gateway.application import create_application
from tests.gateway.serving import serving
from tests.http.demo import SETTINGS, Notes, People

HEADERS = {"Authorization": "Bearer good", "Content-Type": "application/json"}


def numbered(number: int) -> bytes:
    return request_bytes("POST", "/api/notes", host="x", headers=HEADERS, body=b'{"title": "%d"}' % number)


async def test_every_request_is_made_once_and_counted() -> None:
    notes = Notes()
    async with serving(create_application(notes.routes(), identities=People(), settings=SETTINGS)) as port:
        load = Load(host="127.0.0.1", port=port, connections=4, seconds=30, warm_up_seconds=0, requests_max=200)
        measured = await measure(load, numbered)
    assert sorted(int(note.title) for note in notes.notes.values()) == list(range(200))
    assert (measured.requests, measured.statuses, measured.errors) == (200, {"201": 200}, {})
    assert 0 < measured.p50_ms <= measured.p90_ms <= measured.p99_ms <= measured.max_ms
    assert measured.per_second == pytest.approx(200 / measured.seconds, rel=0.05)


async def test_it_ends_in_time_and_leaves_the_warm_up_out() -> None:
    application = create_application(Notes().routes(), identities=People(), settings=SETTINGS)
    request = request_bytes("GET", "/nothing", host="x")
    async with serving(application) as port, asyncio.timeout(5):
        load = Load(host="127.0.0.1", port=port, connections=2, seconds=0.3, warm_up_seconds=0.1)
        measured = await measure(load, partial(same, request))
    assert measured.seconds == pytest.approx(0.3, abs=0.1)
    assert set(measured.statuses) == {"404"}


async def test_a_server_that_cuts_connections_is_seen() -> None:
    async def cuts(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"12", "more_body": True})

    async with serving(cuts) as port:
        load = Load(host="127.0.0.1", port=port, connections=3, seconds=1, warm_up_seconds=0)
        measured = await measure(load, partial(same, request_bytes("GET", "/", host="x")))
    assert measured.requests == 0
    assert sum(measured.errors.values()) == 3
