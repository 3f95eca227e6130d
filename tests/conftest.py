"""What every test may ask for: real servers, and fresh places on them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

pytest.register_assert_rewrite("sigdep.testing")  # The contract suites fail as plainly as tests do.

from sigdep.services.distributed.engines.processes import EngineMissing  # noqa: E402
from sigdep.testing.broker_servers import running  # noqa: E402
from sigdep.testing.opensearch_server import OpenSearchServer  # noqa: E402
from sigdep.testing.servers import (  # noqa: E402
    POSTGRESQL_INSTALLATIONS,
    PostgreSQL,
    ServerMissing,
    ServerNotProvided,
    postgresql,
)


@contextmanager
def missing_servers_skip() -> Iterator[None]:
    """Skip by the server's name. In CI a missing server is a failure: nobody reads skips there.

    But for those that `make services` does not bring: their tests run where somebody else has installed what they need.
    """
    try:
        yield
    except ServerNotProvided as missing:
        pytest.skip(str(missing))
    except (ServerMissing, EngineMissing) as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))


@pytest.fixture(scope="session", params=POSTGRESQL_INSTALLATIONS, ids=lambda major: f"postgresql-{major}")
def postgresql_server(request: pytest.FixtureRequest) -> Iterator[PostgreSQL]:
    """PostgreSQL in each version that we promise, shared by the whole run. Crash it if you start it again."""
    with missing_servers_skip(), postgresql(request.param) as server:
        yield server


@pytest.fixture
def postgresql_dsn(postgresql_server: PostgreSQL) -> Iterator[str]:
    """A database of one's own, empty."""
    name = postgresql_server.create_database()
    yield postgresql_server.dsn(name)
    postgresql_server.drop_database(name)


@pytest.fixture(scope="session")
def opensearch_server() -> Iterator[OpenSearchServer]:
    """One OpenSearch for the whole run. Leave it running, and awake."""
    with missing_servers_skip(), running(OpenSearchServer) as server:
        yield server
