"""The server process: it listens, drains when told to stop, and says why it cannot listen."""

import asyncio
import os
import signal
import socket
from typing import Any

import httpx
import pytest

from sigdep.gateway.doors import Doors
from sigdep.services.http_server import CannotListen, listen, serve_http, url_of


async def slow_application(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(0.3)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"done"})


async def test_a_request_that_was_accepted_is_finished_after_the_word_to_stop() -> None:
    listening, ready = listen("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.create_task(serve_http(slow_application, listening, ready.set, Doors()))
    await asyncio.wait_for(ready.wait(), 10)
    async with httpx.AsyncClient() as client:
        asking = asyncio.create_task(client.get(url_of(listening)))
        await asyncio.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)
        answer = await asking
    assert answer.text == "done"
    await asyncio.wait_for(serving, 5)


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"127\.0\.0\.1:{port}: address already in use.*--port"):
            listen("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused_with_a_sentence() -> None:
    with pytest.raises(CannotListen, match="--host"):
        listen("192.0.2.1", 0)
