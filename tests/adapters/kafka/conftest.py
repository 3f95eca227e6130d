"""A Kafka server for each module of tests."""

from collections.abc import Iterator

import pytest

from sigdep.testing.broker_servers import running
from sigdep.testing.kafka_server import KafkaServer
from tests.conftest import missing_servers_skip


@pytest.fixture(scope="module")
def module_server() -> Iterator[KafkaServer]:
    with missing_servers_skip(), running(KafkaServer) as server:
        yield server


@pytest.fixture
def server(module_server: KafkaServer) -> KafkaServer:
    """It runs, whatever the test before has left."""
    if not module_server.is_running():
        module_server.kill()
        module_server.start()
    return module_server
