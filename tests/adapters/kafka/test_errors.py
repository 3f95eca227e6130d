"""Everything that aiokafka can raise, and Kafka can answer, has a name of ours."""

import inspect

import pytest
from aiokafka import errors

from sigdep.adapters.kafka.errors import check, translated
from sigdep.adapters.outages import Away, OutOfOrder

RAISED = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, Exception) and found.__module__ == errors.__name__
]

ARGUMENTS = {"TopicAuthorizationFailedError": 1, "GroupAuthorizationFailedError": 1}
"""How many each should be given."""

PASSING_CODES = (2, 3, 5, 6, 7, 19, 20, 38, 41, 56, 72, 74, 76, 999)
"""What a server says that is starting, is not the leader, or has too few replicas just now; and what nobody knows."""

LASTING_CODES = (10, 17, 18, 29, 31, 33, 35, 40, 44, 58)


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
        (EOFError(), Away),
        (errors.KafkaConnectionError("lost"), Away),
        (errors.KafkaTimeoutError(), Away),
        (errors.CorrelationIdError(), Away),
        (errors.SaslAuthenticationFailed("no"), OutOfOrder),
        (errors.IncompatibleBrokerVersion("old"), OutOfOrder),
        (NotImplementedError("Support for ProduceRequest v99 has not yet been added"), OutOfOrder),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_who_must_do_what_is_told_apart(error: Exception, ours: type[Exception]) -> None:
    with pytest.raises((Away, OutOfOrder)) as caught, translated():
        raise error
    assert type(caught.value) is ours


@pytest.mark.parametrize(
    "code, ours", [(code, Away) for code in PASSING_CODES] + [(c, OutOfOrder) for c in LASTING_CODES]
)
def test_a_refusal_that_passes_is_told_from_one_that_stays(code: int, ours: type[Exception]) -> None:
    with pytest.raises((Away, OutOfOrder), match=f"error {code} from sigdep_tasks-7") as caught:
        check(code, "sigdep_tasks-7")
    assert type(caught.value) is ours


def test_where_there_is_no_error_nothing_is_raised() -> None:
    check(0, "sigdep_tasks-7")
