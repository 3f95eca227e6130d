"""A port that was chosen for a server is not given to anybody else before that server listens there."""

import socket
from collections.abc import Callable
from typing import Final

import pytest

from sigdep.services.distributed.engines import processes
from sigdep.testing import ports

HELD: Final = 300

TAKEN: Final = 20_000
"""Of some 28,000 that there are: without being held, some two hundred of those would be among them."""


@pytest.fixture(params=[ports.free_port, processes.free_port], ids=["tests", "clusters"])
def free_port(request: pytest.FixtureRequest) -> Callable[[], int]:
    found: Callable[[], int] = request.param
    return found


def test_nobody_else_is_given_a_port_that_is_held(free_port: Callable[[], int]) -> None:
    held = {free_port() for _ in range(HELD)}
    assert len(held) == HELD
    taken = set[int]()
    for _ in range(TAKEN):
        with socket.socket() as another:
            another.bind((ports.HOST, 0))
            taken.add(another.getsockname()[1])
    assert not held & taken


def test_the_server_that_it_is_for_listens_there_at_once(free_port: Callable[[], int]) -> None:
    with socket.create_server((ports.HOST, free_port())) as server, socket.create_connection(server.getsockname()):
        pass


@pytest.mark.parametrize("hold", [ports.hold, processes.hold], ids=["tests", "clusters"])
def test_where_somebody_listens_nothing_is_held(hold: Callable[[int], int]) -> None:
    with socket.create_server((ports.HOST, 0)) as server, pytest.raises(OSError, match="in use"):
        hold(server.getsockname()[1])
