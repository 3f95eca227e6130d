"""Serves an ASGI application on one socket until the process is told to stop."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, cast

import uvicorn

from sigdep.gateway.doors import Doors
from sigdep.gateway.live.options import WEBSOCKETS
from sigdep.gateway.protocol import GatewayProtocol

BACKLOG: Final = 2_048
IDLE_SECONDS: Final = 75
DRAIN_SECONDS: Final = 3
"""How long requests that were accepted may take after the word to stop; then they are cut."""

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class CannotListen(Exception):
    """The address cannot be listened on. The text says why and what to try."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that holds the address from now on. Port 0 takes a free one.

    Raises:
        CannotListen: the port is taken, or the address is none of this machine's.
    """
    listening = None
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        if listening is not None:
            listening.close()
        reason = (error.strerror or str(error)).lower()
        raise CannotListen(
            f"Cannot listen on {host}:{port}: {reason}. Choose another with --host and --port."
        ) from None
    return listening


def url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Says when it is ready, and leaves the signals to us: uvicorn would raise them again, and end the process
    before the stores are closed.
    """

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_http(application: Any, listening: socket.socket, on_ready: Callable[[], None], doors: Doors) -> None:
    """Serve until SIGTERM or SIGINT; then take no more, finish what was accepted, and return. A second signal cuts.

    Args:
        doors: who may hold a connection.
    """
    server = _Server(
        uvicorn.Config(
            application,
            loop="none",  # It runs in ours.
            http=cast(type[asyncio.Protocol], partial(GatewayProtocol, doors=doors)),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            **WEBSOCKETS,
        ),
        on_ready,
    )

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        await server.serve(sockets=[listening])
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
