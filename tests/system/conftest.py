"""One server for all tests that do not end it, and people who have accounts there."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Final

import pytest

from sigdep.testing.running_server import RunningServer
from tests.system.installations import CLUSTER, EMBEDDED, installations, shared_server
from tests.system.person import Person, signed_up

LONG: Final = os.environ.get("SIGDEP_LONG") == "1"

SignUp = Callable[[str], Awaitable[Person]]
Say = Callable[[str], None]


@pytest.fixture(scope="session")
def embedded() -> Iterator[RunningServer]:
    """One process. Shared: leave it running."""
    with shared_server("up") as server:
        yield server


@pytest.fixture(scope="session")
def cluster() -> Iterator[RunningServer]:
    """A process for each service. Shared: leave it running."""
    with shared_server("cluster") as server:
        yield server


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    """Each installation in turn: clients must not see a difference."""
    if request.param in (EMBEDDED, CLUSTER):
        yield request.getfixturevalue(request.param)
    else:
        with shared_server("cluster", request.param) as server:  # One at a time: its tests follow each other.
            yield server


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whoever asks for a `server`, or somebody who has an account there, is a test of the API: `-m api`."""
    if "server" in metafunc.fixturenames:
        every_broker = metafunc.definition.get_closest_marker("every_broker") is not None
        chosen = [pytest.param(name, marks=pytest.mark.api) for name in installations(every_broker=every_broker)]
        metafunc.parametrize("server", chosen, indirect=True, scope="session")


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    """Prints a line, whether the test passes or not: what was measured, or by which seed it can be repeated."""
    reporter = request.config.pluginmanager.getplugin("terminalreporter")

    def write(line: str) -> None:
        reporter.ensure_newline()
        reporter.write_line(f"  {line}")

    return write


@pytest.fixture
async def sign_up(server: RunningServer) -> AsyncIterator[SignUp]:
    """Makes newcomers by name."""
    async with AsyncExitStack() as stack:
        yield lambda name: stack.enter_async_context(signed_up(server.url, name))


@pytest.fixture
async def ada(sign_up: SignUp) -> Person:
    return await sign_up("Ada")


@pytest.fixture
async def bob(sign_up: SignUp) -> Person:
    return await sign_up("Bob")
