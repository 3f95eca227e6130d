"""The least that live updates cost: whatever one client says is written to all others, and nothing else. The limit."""

import asyncio
import socket
import sys
from typing import Any

import uvloop

from benchmarks.bare_server import BODY

REST = b'", ' + BODY
"""With what is said, a message is as long as one that tells of a new task."""


class Member(asyncio.Protocol):
    """Writes without waiting, like a server whose readers keep up."""

    def __init__(self, room: set[Any]) -> None:
        self._room = room

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._room.add(transport)
        transport.write(b'"subscribed"')

    def data_received(self, data: bytes) -> None:
        messages = b"".join(said + REST for said in data.splitlines())  # What was said while it wrote goes out at once.
        for other in self._room:
            if other is not self._transport:
                other.write(messages)

    def connection_lost(self, exc: Exception | None) -> None:
        self._room.discard(self._transport)


async def main() -> None:
    room: set[Any] = set()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = await asyncio.get_running_loop().create_server(lambda: Member(room), sock=listening)
    print(listening.getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
