"""Everything that redis-py can raise has a name of ours."""

import inspect

import pytest
from redis import exceptions

from sigdep.adapters.outages import Away, OutOfOrder
from sigdep.adapters.redis.errors import translated

RAISED = [
    found
    for _, found in inspect.getmembers(exceptions, inspect.isclass)
    if issubclass(found, exceptions.RedisError | exceptions.RedisClusterException)
]


@pytest.mark.parametrize("kind", RAISED)
def test_no_exception_of_the_driver_gets_through(kind: type[Exception]) -> None:
    with pytest.raises((Away, OutOfOrder)) as caught, translated():
        raise kind("1 127.0.0.1:6379")  # Some read an address out of it.
    assert isinstance(caught.value.__cause__, kind)


@pytest.mark.parametrize(
    "error, ours",
    [
        (ConnectionRefusedError(), Away),
        (exceptions.ConnectionError("lost"), Away),
        (exceptions.TimeoutError("slow"), Away),
        (exceptions.BusyLoadingError("loading"), Away),
        (exceptions.ReadOnlyError("replica"), Away),
        (exceptions.ResponseError("MISCONF cannot write"), Away),
        (exceptions.ResponseError("OOM in a script"), Away),
        (exceptions.AuthenticationError("no"), OutOfOrder),
        (exceptions.NoPermissionError("no"), OutOfOrder),
        (exceptions.ResponseError("WRONGTYPE no stream"), OutOfOrder),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value) or type(value).__name__,
)
def test_who_must_do_what_is_told_apart(error: Exception, ours: type[Exception]) -> None:
    with pytest.raises((Away, OutOfOrder)) as caught, translated():
        raise error
    assert type(caught.value) is ours
