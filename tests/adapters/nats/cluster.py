"""A cluster of NATS servers on loopback."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sigdep.testing.broker_servers import LOOK_AGAIN_SECONDS, START_SECONDS_MAX
from sigdep.testing.nats_server import NatsServer
from sigdep.testing.ports import HOST, free_port
from sigdep.testing.servers import ServerFailed
from tests.adapters.nats.closed_servers import greets

NAMES: Final = ("one", "two", "three")


class Member(NatsServer):
    """One server of a cluster. It starts without waiting for the others, and cannot serve without another one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.route = f"nats://{HOST}:{free_port()}"
        self.routes: Sequence[str] = ()

    def command(self) -> Sequence[str]:
        cluster = ("--cluster_name", "sigdep", "--cluster", self.route, "--routes", ",".join(self.routes))
        return (*super().command(), "--server_name", self.folder.name, *cluster)

    def answers(self) -> bool:
        return greets(self.port)

    def serves(self) -> bool:
        """Whether it knows who leads the cluster, so that streams can be made."""
        return super().answers()


@contextmanager
def cluster() -> Iterator[Sequence[Member]]:
    """Three servers that serve, killed and erased at the end, also after a failure.

    Raises:
        ServerMissing: this machine has none.
        ServerFailed: they did not start, or did not find each other.
    """
    with TemporaryDirectory(prefix="sigdep-broker-", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        members = [Member(Path(folder) / name) for name in NAMES]
        for member in members:
            member.folder.mkdir()
            member.routes = [other.route for other in members if other is not member]
            stack.callback(member.kill)
            member.start()
        end = time.monotonic() + START_SECONDS_MAX
        while not all(member.serves() for member in members):
            if time.monotonic() > end:
                raise ServerFailed("NATS: the servers of a cluster did not find each other.")
            time.sleep(LOOK_AGAIN_SECONDS)
        yield members
