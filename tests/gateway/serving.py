"""Serves an application on a real socket of this process, as the product does, for as long as a test needs it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from sigdep.gateway.doors import Doors
from sigdep.gateway.live.options import WEBSOCKETS
from sigdep.gateway.protocol import GatewayProtocol


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def serving(application: ASGIApp, *, idle_seconds: int = 5, doors: Doors | None = None) -> AsyncIterator[int]:
    """Yields the port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        loop="none",
        http=cast(type[asyncio.Protocol], partial(GatewayProtocol, doors=Doors() if doors is None else doors)),
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=idle_seconds,
        **WEBSOCKETS,
    )
    server = _Server(config)
    job = asyncio.create_task(server._serve([listening]))
    await server.ready.wait()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await job


async def exchange_bytes(port: int, *parts: bytes, pause_seconds: float = 0.0, half_close: bool = False) -> bytes:
    """Send the parts one by one on a connection of their own, and return all that comes back until it ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_seconds)
        if half_close:
            writer.write_eof()
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()
