"""Every way to a service, for the tests that all of them have to pass."""

import pytest

from tests.rpc.ways import WAYS, Way


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found
