"""A cluster of Kafka servers on loopback, each of which is a controller too."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sigdep.testing.broker_servers import LOOK_AGAIN_SECONDS, START_SECONDS_MAX
from sigdep.testing.kafka_server import KafkaServer, has_joined
from sigdep.testing.ports import HOST
from sigdep.testing.servers import ServerFailed

SERVERS: Final = 3

JOIN_SECONDS_MAX: Final = SERVERS * START_SECONDS_MAX
"""All start at once, and each is a Java of its own."""


class Member(KafkaServer):
    """One server of a cluster. It starts without waiting for the others, and cannot serve without another one."""

    def __init__(self, folder: Path, number: int) -> None:
        super().__init__(folder)
        self.number = number
        self.voters = ""

    def prepare(self) -> None:
        self.folder.mkdir(exist_ok=True)
        super().prepare()

    def answers(self) -> bool:
        return self.is_running()

    def serves(self) -> bool:
        return has_joined(self.port)

    def _write_properties(self, data: Path) -> None:
        super()._write_properties(data)
        changed = ("node.id=", "controller.quorum.voters=")
        usual = [line for line in self._properties.read_text().splitlines() if not line.startswith(changed)]
        ours = [f"node.id={self.number}", f"controller.quorum.voters={self.voters}"]
        self._properties.write_text("\n".join([*usual, *ours]))


@contextmanager
def cluster() -> Iterator[Sequence[Member]]:
    """Three servers that serve, killed and erased at the end, also after a failure.

    Raises:
        ServerMissing: this machine has none.
        ServerFailed: they did not start, or did not find each other.
    """
    with (
        TemporaryDirectory(prefix="sigdep-broker-", dir=KafkaServer.home, ignore_cleanup_errors=True) as folder,
        ExitStack() as stack,
    ):
        members = [Member(Path(folder) / str(number), number) for number in range(1, SERVERS + 1)]
        voters = ",".join(f"{member.number}@{HOST}:{member.controller_port}" for member in members)
        for member in members:
            member.voters = voters
            stack.callback(member.kill)
            member.start()
        end = time.monotonic() + JOIN_SECONDS_MAX
        while not all(member.serves() for member in members):
            if time.monotonic() > end:
                raise ServerFailed("Kafka: the servers of a cluster did not find each other.")
            time.sleep(LOOK_AGAIN_SECONDS)
        yield members
