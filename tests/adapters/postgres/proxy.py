"""A TCP proxy before a database, which loses connections when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Cut = Literal["request", "answer"]
"""What gets lost with the connection: the next request, or the next answer (what was asked has been done)."""


class Proxy:
    """Counts what it has cut. Told to hang, it accepts connections and says nothing."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cut: Cut | None = None
        self._cut_only_after: bytes = b""
        self.cuts = 0
        self.hangs = False
        self._sessions: set[asyncio.Task[None]] = set()

    def cut(self, what: Cut, *, after: bytes = b"") -> None:
        """Once: cut the next connection that sends something with these bytes in it."""
        self._cut, self._cut_only_after = what, after

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        up_writer = None
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._port)
            doomed = asyncio.Event()
            pumps = {
                asyncio.create_task(self._requests(reader, up_writer, doomed)),
                asyncio.create_task(self._answers(up_reader, writer, doomed)),
            }
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # The database is away, or the proxy is being closed.
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
        self, reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter, doomed: asyncio.Event
    ) -> None:
        while request := await reader.read(1 << 20):
            if self.hangs:
                await asyncio.sleep(3600)
            if self._cut is not None and self._cut_only_after in request:
                self.cuts += 1
                lost, self._cut = self._cut, None
                if lost == "request":
                    return
                doomed.set()
            up_writer.write(request)
            await up_writer.drain()

    async def _answers(
        self, up_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, doomed: asyncio.Event
    ) -> None:
        while answer := await up_reader.read(1 << 20):
            if doomed.is_set():
                return  # The database has done what was asked, and nobody will hear of it.
            writer.write(answer)
            await writer.drain()


@asynccontextmanager
async def proxied(dsn: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before the database, and the address that leads through it."""
    address = urlsplit(dsn)
    assert address.port is not None
    proxy = Proxy(address.port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield proxy, urlunsplit(address._replace(netloc=f"postgres@127.0.0.1:{port}"))
    finally:
        server.close()
        await proxy.close()
