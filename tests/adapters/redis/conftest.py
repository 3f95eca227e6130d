"""A Redis server for each module of tests."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from sigdep.testing.broker_servers import running
from sigdep.testing.redis_server import RedisServer
from tests.adapters.redis.opening import Opening, opening_of
from tests.conftest import missing_servers_skip


@pytest.fixture(scope="module")
def module_server() -> Iterator[RedisServer]:
    with missing_servers_skip(), running(RedisServer) as server:
        yield server


@pytest.fixture
def server(module_server: RedisServer) -> RedisServer:
    """It runs, whatever the test before has left."""
    if not module_server.is_running():
        module_server.kill()
        module_server.start()
    return module_server


@pytest.fixture
def prefix() -> str:
    """Begins the keys of this test alone."""
    return f"test-{uuid4().hex}"


@pytest.fixture
async def opening(server: RedisServer) -> AsyncIterator[Opening]:
    async with opening_of(server.url) as opening:
        yield opening
