"""Apache Kafka for tests: one server that is its own controller, fetched with Maven, run by the system's Java."""

import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from sigdep.testing.broker_servers import BrokerServer
from sigdep.testing.maven import java, resolve
from sigdep.testing.ports import HOST, free_port
from sigdep.testing.servers import ServerFailed

PROJECT: Final = Path(__file__).with_name("kafka.pom.xml")

PROGRAMS: Final = Path(sys.prefix) / "share" / "kafka"
"""Where clusters look for Kafka."""

MEMORY: Final = Path("/dev/shm")  # noqa: S108  A folder with a name of its own is made in it.
"""Files in memory outlive the process that wrote them, as files on a disk do. Kafka makes some hundred for each topic,
and has each of them written to the disk, which takes far longer, for nothing that our tests ask of it."""

MEMORY_BYTES_MIN: Final = 2_000_000_000

FORMAT_SECONDS_MAX: Final = 60

CLUSTER: Final = "c2lnZGVwLXRlc3RzLTAwMQ"
"""An id of 16 bytes, as Kafka writes it."""

JAVA_OPTIONS: Final = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=WARN")
"""Little memory, and a quick start rather than the quickest code."""

SERVER_PROPERTIES: Final = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
listeners=PLAIN://{host}:{port},PROXIED://{host}:{behind_proxy_port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAIN://{host}:{port},PROXIED://{host}:{proxy_port}
listener.security.protocol.map=PLAIN:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=true
num.network.threads=2
num.io.threads=4
# After a kill the server may take its own place again only when its former life counts as over.
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=2000
# For compaction, which we have no use for: it takes half of the memory otherwise.
log.cleaner.dedupe.buffer.size=2097152
"""
"""Topics would be made by asking for them, with one partition, as Kafka does it if nobody forbids it: so it is where
operators have left it."""

BROKERS_QUESTION: Final = struct.pack(">ihhihi", 14, 3, 1, 0, -1, 0)
"""A request for metadata, version 1, of no topic: its answer counts the brokers after its own number."""


class KafkaServer(BrokerServer):
    """See BrokerServer. What a server tells its clients of itself decides where they go: to come to it by a proxy, the
    proxy listens at `proxy_port`, and goes to `behind_proxy_port`."""

    name = "Kafka"

    java_options: Sequence[str] = JAVA_OPTIONS

    format_options: Sequence[str] = ()
    """What else is true from its beginning: its users (`--add-scram`)."""

    home = MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES_MIN else None

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.controller_port, self.behind_proxy_port, self.proxy_port = free_port(), free_port(), free_port()

    @property
    def url(self) -> str:
        return f"kafka://{HOST}:{self.port}"

    def command(self) -> Sequence[str]:
        return self._java("kafka.Kafka", str(self._properties))

    def prepare(self) -> None:
        """An empty folder becomes what Kafka has formatted, once for all starts."""
        formatted = self.folder / "formatted"
        if not formatted.exists():
            self._write_properties(formatted)
            self._format()
            self._write_properties(self.data)
        if not self.data.exists():
            shutil.copytree(formatted, self.data)

    def answers(self) -> bool:
        return has_joined(self.port)

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _write_properties(self, data: Path) -> None:
        self._properties.write_text(
            SERVER_PROPERTIES.format(
                host=HOST,
                port=self.port,
                controller_port=self.controller_port,
                behind_proxy_port=self.behind_proxy_port,
                proxy_port=self.proxy_port,
                data=data,
            )
        )

    def _format(self) -> None:
        options = ("--cluster-id", CLUSTER, "--config", str(self._properties), *self.format_options)
        command = self._java("kafka.tools.StorageTool", "format", *options)
        done = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_SECONDS_MAX, check=False)
        if done.returncode != 0:
            raise ServerFailed(f"{self.name}, format:\n{done.stdout}{done.stderr}")

    def _java(self, *arguments: str) -> Sequence[str]:
        return (java(), *self.java_options, "-cp", f"{kafka_programs()}/*", *arguments)


def has_joined(port: int) -> bool:
    """Whether a server that anybody may ask is of its cluster. Before that it answers too, but counts no server."""
    with suppress(OSError, struct.error), socket.create_connection((HOST, port), timeout=1) as client:
        client.sendall(BROKERS_QUESTION)
        said = client.recv(12)
        return bool(struct.unpack(">iii", said)[2])
    return False


def kafka_programs() -> Path:
    """The folder of Kafka's programs, and a link to it where clusters look.

    Raises:
        JavaMissing: there is no Java or no Maven here, or Maven does not find them.
    """
    java()
    copied = Path(resolve(PROJECT)).parent
    if PROGRAMS.resolve() != copied.resolve():
        PROGRAMS.parent.mkdir(parents=True, exist_ok=True)
        link = PROGRAMS.with_name(f"kafka-{os.getpid()}")
        link.symlink_to(copied)
        link.replace(PROGRAMS)
    return PROGRAMS


if __name__ == "__main__":
    sys.stdout.write(f"Kafka is in {kafka_programs()}.\n")
