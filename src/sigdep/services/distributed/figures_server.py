"""Figures and health of a role behind the gateway by HTTP, for its operator alone, and health of one that still starts.

Made by hand, for three pages: to load a web server would take longer than whatever else such a role needs at its start.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Final

import structlog

from sigdep.gateway.figures import CONTENT_TYPE, Figures
from sigdep.gateway.health import Check, live_reply, ready_reply
from sigdep.http.replies import Reply
from sigdep.services.settings import BadSetting

HEAD_BYTES_MAX: Final = 16_384
HEAD_SECONDS_MAX: Final = 5.0
ANSWER_SECONDS_MAX: Final = 10.0
"""For making an answer, and again for its way."""

CONNECTIONS_MAX: Final = 64
"""More are closed unanswered."""

_log = structlog.get_logger("sigdep.service")

NOT_THERE: Final = Reply(404, [])

Page = Callable[[], Awaitable[Reply]]


@asynccontextmanager
async def figures_shown(
    host: str, port: int | None, figures: Figures, checks: Mapping[str, Check]
) -> AsyncIterator[int | None]:
    """Shown until the end of the block. Gives the port.

    Args:
        checks: those at the moment of each question.
        port: 0 takes a free one; None: nothing is shown.

    Raises:
        BadSetting: the address cannot be listened on.
    """
    if port is None:
        yield None
        return

    async def shown() -> Reply:
        return Reply(200, [(b"content-type", CONTENT_TYPE)], await figures.page())

    async def ready() -> Reply:
        return await ready_reply(dict(checks))

    pages: Mapping[bytes, Page] = {b"/metrics": shown, b"/health/live": live_reply, b"/health/ready": ready}
    answering = _Server(pages)
    try:
        server = await asyncio.start_server(answering.serve, host, port, limit=HEAD_BYTES_MAX)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadSetting(f"SIGDEP_METRICS_PORT: cannot listen on {host}:{port}: {reason}.") from None
    taken: int = server.sockets[0].getsockname()[1]
    _log.info("shows figures", address=f"{host}:{taken}")
    try:
        yield taken
    finally:
        server.close()
        await answering.close()


@asynccontextmanager
async def health_shown(listening: socket.socket, checks: Mapping[str, Check]) -> AsyncIterator[None]:
    """What is waited for, until the end of the block, at an address that something else serves from then on.

    Whatever else is asked for is not there yet, `/health/live` neither, by which balancers choose: 503.
    """

    async def ready() -> Reply:
        return await ready_reply(dict(checks))

    answering = _Server({b"/health/ready": ready}, otherwise=Reply(503, [(b"retry-after", b"1")]))
    # Another handle for the same socket: that one is closed with the server.
    server = await asyncio.start_server(answering.serve, sock=listening.dup(), limit=HEAD_BYTES_MAX)
    try:
        yield
    finally:
        server.close()
        await answering.close()


class _Server:
    """One answer a connection."""

    def __init__(self, pages: Mapping[bytes, Page], *, otherwise: Reply = NOT_THERE) -> None:
        """
        Args:
            otherwise: what is answered where there is no page.
        """
        self._pages = pages
        self._otherwise = otherwise
        self._connections: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        try:
            if len(self._connections) <= CONNECTIONS_MAX:
                with suppress(TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
                    await self._answer(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self._connections.discard(connection)

    async def close(self) -> None:
        """Cut off whoever is still there."""
        connections = tuple(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_SECONDS_MAX):
            head = await reader.readuntil(b"\r\n\r\n")
        method, reply = await self._reply(head)
        lines = [b"HTTP/1.1 %d %b" % (reply.status, HTTPStatus(reply.status).phrase.encode())]
        lines += [b"%b: %b" % header for header in reply.headers]
        lines += [b"content-length: %d" % len(reply.body), b"connection: close", b"", b""]
        writer.write(b"\r\n".join(lines) + (b"" if method == b"HEAD" else reply.body))
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            await writer.drain()

    async def _reply(self, head: bytes) -> tuple[bytes, Reply]:
        parts = head.partition(b"\r\n")[0].split(b" ")
        if len(parts) != 3 or not parts[2].startswith(b"HTTP/1."):
            return b"", Reply(400, [])
        method, target, _ = parts
        page = self._pages.get(target.partition(b"?")[0])
        if page is None:
            return method, self._otherwise
        if method not in (b"GET", b"HEAD"):
            return method, Reply(405, [(b"allow", b"GET, HEAD")])
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return method, await page()
        except TimeoutError:
            return method, Reply(503, [])
        except Exception as error:
            _log.error("figures failed", exc_info=error)
            return method, Reply(500, [])
