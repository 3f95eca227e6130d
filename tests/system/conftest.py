"""One server for all tests that do not end it, and people who have accounts there."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Final

import pytest

from sigdep.testing.running_server import Mode, RunningServer, running_server
from tests.system.person import Person, signed_up

LONG: Final = os.environ.get("SIGDEP_LONG") == "1"

SignUp = Callable[[str], Awaitable[Person]]
Say = Callable[[str], None]


@pytest.fixture(scope="session")
def embedded() -> Iterator[RunningServer]:
    """One process. Shared: leave it running."""
    with _shared("up") as server:
        yield server


@pytest.fixture(scope="session")
def cluster() -> Iterator[RunningServer]:
    """A process for each service. Shared: leave it running."""
    with _shared("cluster") as server:
        yield server


@pytest.fixture(params=["embedded", "cluster"])
def server(request: pytest.FixtureRequest) -> RunningServer:
    """Either: clients must not see a difference."""
    shared: RunningServer = request.getfixturevalue(request.param)
    return shared


@contextmanager
def _shared(mode: Mode) -> Iterator[RunningServer]:
    with running_server(mode=mode, outgoing_allow="127.0.0.0/8") as shared:  # Receivers of webhooks are here too.
        yield shared
        # After all that the tests have sent it.
        assert shared.stop() == 0
        assert "Traceback" not in shared.printed


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
