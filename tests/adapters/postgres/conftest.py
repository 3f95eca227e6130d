"""Places on a server that cost less than a database each: schemas."""

from collections.abc import Iterator
from itertools import count

import pytest

from sigdep.testing.servers import PostgreSQL

_numbers = count(1)


@pytest.fixture(scope="session")
def postgresql_shared_dsn(postgresql_server: PostgreSQL) -> Iterator[str]:
    """One database for all tests of a server. What is in its schemas is theirs."""
    name = postgresql_server.create_database()
    yield postgresql_server.dsn(name)
    postgresql_server.drop_database(name)


@pytest.fixture
def schema() -> str:
    """A name that no other test has."""
    return f"tasks_{next(_numbers)}"
