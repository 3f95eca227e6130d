"""Everything that nats-py can raise, and JetStream can say, has a name of ours."""

import inspect

import nats.errors
import pytest

from sigdep.adapters.nats.errors import INCOMPLETE_BATCH, ApiError, Refused, translated
from sigdep.adapters.outages import Away, OutOfOrder

RAISED = [
    found for _, found in inspect.getmembers(nats.errors, inspect.isclass) if issubclass(found, nats.errors.Error)
]

ARGUMENTS = {"BadHeaderError": 1, "MsgAlreadyAckdError": 1, "SlowConsumerError": 4}
"""How many each must be given."""


@pytest.mark.parametrize("kind", RAISED)
def test_no_exception_of_the_driver_gets_through(kind: type[Exception]) -> None:
    error = kind(*["said"] * ARGUMENTS.get(kind.__name__, 0))
    with pytest.raises((Away, OutOfOrder)) as caught, translated():
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error, ours",
    [
        (ConnectionRefusedError(), Away),
        (TimeoutError(), Away),
        (nats.errors.TimeoutError(), Away),
        (nats.errors.ConnectionClosedError(), Away),
        (nats.errors.NoRespondersError(), Away),
        (nats.errors.AuthorizationError(), OutOfOrder),
        (nats.errors.Error("nats: 'Authorization Violation'"), OutOfOrder),
        (nats.errors.Error("nats: 'User Authentication Expired'"), OutOfOrder),
        (nats.errors.Error("nats: 'Authentication Timeout'"), Away),
        (nats.errors.MaxPayloadError(), OutOfOrder),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_who_must_do_what_is_told_apart(error: Exception, ours: type[Exception]) -> None:
    with pytest.raises((Away, OutOfOrder)) as caught, translated():
        raise error
    assert type(caught.value) is ours


@pytest.mark.parametrize(
    "error, ours",
    [
        (ApiError(503, 10023, "insufficient resources"), Away),
        (ApiError(404, 10059, "stream not found"), Away),
        (ApiError(400, INCOMPLETE_BATCH, "atomic publish batch is incomplete"), Away),
        (ApiError(400, 10005, "no suitable peers for placement"), Away),
        (ApiError(500, 10074, "replicas > 1 not supported in non-clustered mode"), OutOfOrder),
        (ApiError(400, 10174, "atomic publish is disabled"), OutOfOrder),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else value.description,
)
def test_a_refusal_that_passes_is_told_from_one_that_stays(error: ApiError, ours: type[Exception]) -> None:
    assert type(Refused(error).unavailable()) is ours
