"""Redis for tests, from the system."""

import socket
from collections.abc import Sequence
from contextlib import suppress

from sigdep.testing.broker_servers import BrokerServer, installed
from sigdep.testing.ports import HOST


class RedisServer(BrokerServer):
    """With an append-only file, synced at each write."""

    name = "Redis"

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def command(self) -> Sequence[str]:
        return (
            installed("redis-server", "Redis"),
            "--bind", HOST, "--port", str(self.port), "--dir", str(self.data),
            "--appendonly", "yes", "--appendfsync", "always", "--save", "",
        )  # fmt: skip

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1) as client:
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        return False
