"""A sink of HTTP: takes requests, and fails as it is told to."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from sigdep.testing.channel_sink import Records, Trouble

HOST: Final = "127.0.0.1"
BODY_BYTES_MAX: Final = 1024 * 1024

_STATUS: Final[Mapping[Trouble, int]] = {"busy": 503, "refusing": 400, "gone": 410}


class HttpSink:
    """A subclass says what it does with what it is sent."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.records = Records()
        self.answer_status: int | None = None
        """What it answers whatever it is sent, where this is set."""
        self.answer_headers: dict[str, str] = {}
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self) -> None:
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self.port, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        self.records.closed.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.port}"

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if (aside := await self.aside(request, body)) is not None:
            return aside
        records = self.records
        records.ask()
        if self.answer_status is not None:
            return web.Response(status=self.answer_status, headers=self.answer_headers)
        match records.trouble:
            case "none":
                return await self.take(request, body)
            case "silent":
                await records.closed.wait()
            case "cut":
                assert request.transport is not None
                request.transport.abort()
            case "busy" | "refusing" | "gone":
                return self.refusal(records.trouble)
        await asyncio.sleep(0)
        return web.Response(status=500)

    async def aside(self, request: web.Request, body: bytes) -> web.Response | None:
        """The answer to what is no message, and never in trouble. None: it is a message."""
        return None

    async def take(self, request: web.Request, body: bytes) -> web.Response:
        raise NotImplementedError

    def refusal(self, trouble: Trouble) -> web.Response:
        wait = self.records.wait_seconds
        headers = {} if wait is None else {"Retry-After": str(wait)}
        return web.Response(status=_STATUS[trouble], headers=headers)
