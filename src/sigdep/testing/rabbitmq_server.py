"""RabbitMQ with streams for tests, from the system: a node of its own, which knows of no other."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sigdep.testing.broker_servers import LOOK_AGAIN_SECONDS, BrokerServer, installed
from sigdep.testing.ports import HOST, free_port
from sigdep.testing.servers import ServerMissing

INSTALLATIONS: Final = ("/usr/lib/rabbitmq", "/opt/rabbitmq")

SCRIPT: Final = "lib/rabbitmq_server-*/sbin/rabbitmq-server"
"""In an installation. What Debian has in /usr/sbin becomes another user, and is for the system's own server."""

NODE: Final = "sigdep@localhost"

CONFIGURATION: Final = """
listeners.tcp = none
stream.listeners.tcp.1 = {host}:{port}
stream.advertised_host = {host}
stream.advertised_port = {port}
disk_free_limit.absolute = 50MB
log.console = true
log.console.level = warning
log.file = false
"""

GREETING: Final = bytes.fromhex("0000000c 0011 0001 00000001 00000000")
"""PeerProperties, of which there are none: what every client says first."""

REMEMBERS_SECONDS_MAX: Final = 10.0
"""Until what a server was made to know of its streams is on its disk, which takes three."""


class RabbitMQServer(BrokerServer):
    """See BrokerServer. It has the user guest with the password guest, who may come from this machine alone."""

    name = "RabbitMQ"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._names_port, self._node_port = free_port(), free_port()
        self._names: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"rabbitmq-stream://guest:guest@{HOST}:{self.port}"

    def command(self) -> Sequence[str]:
        return (_script(),)

    def environment(self) -> Mapping[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
        return ours | {
            "HOME": str(self.folder),  # The cookie is made there.
            "RUNNING_UNDER_SYSTEMD": "true",  # The script becomes the server, and not its parent.
            "ERL_FLAGS": "-start_epmd false",
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self._names_port),
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": str(self.data),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
        }

    def prepare(self) -> None:
        super().prepare()
        _script()  # Before anything is started.
        (self.folder / "plugins").write_text("[rabbitmq_stream].\n")
        (self.folder / "rabbitmq.conf").write_text(CONFIGURATION.format(host=HOST, port=self.port))
        # Erlang's directory of nodes, without which it does not work. One that it starts itself would outlive it.
        self._names = subprocess.Popen(
            (installed("epmd", self.name), "-address", HOST, "-port", str(self._names_port)), stdin=subprocess.DEVNULL
        )

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1) as client:
            client.sendall(GREETING)
            return bool(client.recv(64))
        return False

    def kill(self) -> None:
        self._wait_until_it_remembers()
        super().kill()
        if self._names is not None:
            self._names.kill()
            self._names.wait()
            self._names = None

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """It neither works nor ends what it is connected to (SIGSTOP)."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def _wait_until_it_remembers(self) -> None:
        """Killed within three seconds of its first stream, a RabbitMQ before 4.0 would never give it to anybody again:
        that it has streams is in a file that is not written at once (rabbitmq/ra, pull request 443)."""
        folder = self.data / NODE / "coordination" / NODE
        end = time.monotonic() + REMEMBERS_SECONDS_MAX
        while any(folder.glob("RABBIT*")) and self.is_running() and time.monotonic() < end:
            if b"rabbit_stream_coordinator" in (folder / "names.dets").read_bytes():
                return
            time.sleep(LOOK_AGAIN_SECONDS)


def _script() -> str:
    found = [str(script) for place in INSTALLATIONS for script in sorted(Path(place).glob(SCRIPT))]
    if not found:
        raise ServerMissing("RabbitMQ: rabbitmq-server is not installed (make services)")
    return found[-1]
