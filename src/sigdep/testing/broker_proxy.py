"""A TCP proxy before a broker, which loses connections when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

HOST: Final = "127.0.0.1"

READ_BYTES: Final = 4_096


class Proxy:
    """Told to cut, it ends a connection at a place in what is sent through it. Counts what it has cut."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._sessions: set[asyncio.Task[None]] = set()
        self._requests_left: int | None = None
        self._deafening: bytes | None = None
        self.port = 0
        self.cuts = 0
        self.delay_seconds = 0.0
        """Before each part of what is asked goes on to the server."""

    @property
    def sessions(self) -> int:
        """Connections that are open."""
        return len(self._sessions)

    def cut_requests_after(self, bytes_sent: int) -> None:
        """Once: let so many more bytes through to the server, and end the connection then."""
        self._requests_left = bytes_sent

    def lose_answers_to(self, request: bytes) -> None:
        """Once: when a client has sent this, let the server have it, and end the connection before it hears more."""
        self._deafening = request

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        up_writer = None
        try:
            up_reader, up_writer = await asyncio.open_connection(HOST, self._server_port)
            deaf = asyncio.Event()
            pumps = {
                asyncio.create_task(self._requests(reader, up_writer, deaf)),
                asyncio.create_task(_answers(up_reader, writer, deaf)),
            }
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # The server is away, or the proxy is being closed.
        finally:
            for one in (writer, up_writer):
                if one is not None:
                    one.transport.abort()
            self._sessions.discard(task)

    async def close(self) -> None:
        sessions = list(self._sessions)
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    async def _requests(
        self, reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter, deaf: asyncio.Event
    ) -> None:
        seen = b""
        while request := await reader.read(READ_BYTES):
            if self._requests_left is not None:
                self._requests_left -= len(request)
                if self._requests_left <= 0:
                    self._requests_left = None
                    self.cuts += 1
                    up_writer.write(request[: len(request) // 2])
                    await up_writer.drain()
                    await asyncio.sleep(0.05)  # An abort would take back what has not left yet.
                    return
            seen = seen[-READ_BYTES:] + request
            if self._deafening is not None and self._deafening in seen:
                self._deafening = None
                self.cuts += 1
                deaf.set()
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            up_writer.write(request)
            await up_writer.drain()


async def _answers(up_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
    while answer := await up_reader.read(READ_BYTES):
        if deaf.is_set():
            return  # The server has done what was asked, and nobody will hear of it.
        writer.write(answer)
        await writer.drain()


@asynccontextmanager
async def proxied(port: int, *, at: int = 0) -> AsyncIterator[Proxy]:
    """A proxy before the server at `port` of the loopback, on a port of its own, or on a given one."""
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy.serve, HOST, at)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
