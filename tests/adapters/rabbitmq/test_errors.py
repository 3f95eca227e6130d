"""Everything that RabbitMQ can answer, by rstream's exceptions, has a name of ours."""

import inspect

import pytest
from rstream import exceptions

from sigdep.adapters.outages import Away, OutOfOrder
from sigdep.adapters.rabbitmq.errors import translated

RAISED = [found for _, found in inspect.getmembers(exceptions, inspect.isclass) if issubclass(found, Exception)]

CODES = range(2, 25)
"""More than there are: a later server may have another one."""


@pytest.mark.parametrize("kind", RAISED)
def test_no_exception_of_the_driver_gets_through(kind: type[Exception]) -> None:
    error = kind("said")
    with pytest.raises((Away, OutOfOrder)) as caught, translated():
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("code", CODES)
def test_no_code_of_a_response_gets_through(code: int) -> None:
    with pytest.raises((Away, OutOfOrder)), translated():
        raise exceptions.ServerError.from_code(code)


@pytest.mark.parametrize(
    "error, ours",
    [
        (ConnectionRefusedError(), Away),
        (TimeoutError(), Away),
        (EOFError("the server ends the connection"), Away),
        (exceptions.StreamNotAvailable(), Away),
        (exceptions.StreamDoesNotExist(), Away),
        (exceptions.InternalError(), Away),
        (exceptions.LeaderNotAvailable(), Away),
        (exceptions.AuthenticationFailure(), OutOfOrder),
        (exceptions.SASLAuthenticationFailureLoopback(), OutOfOrder),
        (exceptions.VirtualHostAccessFailure(), OutOfOrder),
        (exceptions.AccessRefused(), OutOfOrder),
        (exceptions.FrameTooLarge(), OutOfOrder),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_who_must_do_what_is_told_apart(error: Exception, ours: type[Exception]) -> None:
    with pytest.raises((Away, OutOfOrder)) as caught, translated():
        raise error
    assert type(caught.value) is ours
