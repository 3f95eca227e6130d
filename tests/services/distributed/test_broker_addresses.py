"""Which broker an address names, and what is said of one that names none."""

from contextlib import AsyncExitStack

import pytest

from sigdep.adapters.kafka.broker import KafkaBroker
from sigdep.adapters.nats.broker import NatsBroker
from sigdep.adapters.rabbitmq.broker import RabbitMQBroker
from sigdep.adapters.redis.broker import RedisBroker
from sigdep.gateway.figures import Figures
from sigdep.kernel.broker import Broker
from sigdep.services.distributed.broker_wiring import open_broker
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.observing.broker_calls import MeasuredBroker
from sigdep.services.observing.watch import Watch
from sigdep.services.settings import BadSetting


def _opened(url: str, stack: AsyncExitStack) -> Broker | None:
    found = open_broker(ServiceSettings(broker_url=url), Watch("tests", Figures()), stack)
    return found._broker if isinstance(found, MeasuredBroker) else found


@pytest.mark.parametrize(
    "url, kind",
    [
        ("nats://one:4222,nats://two:4222", NatsBroker),
        ("kafka://one:9092, two:9093,[::1]", KafkaBroker),
        ("kafka://one", KafkaBroker),
        ("kafka://user:secret@one,two?sasl=scram-sha-256", KafkaBroker),
        ("rabbitmq-stream://user:secret@one", RabbitMQBroker),
        ("redis://one:6379/0", RedisBroker),
    ],
)
async def test_the_scheme_of_an_address_names_the_broker(url: str, kind: type[object]) -> None:
    """Which connects when it is first used."""
    async with AsyncExitStack() as stack:
        assert isinstance(_opened(url, stack), kind)


async def test_no_address_is_no_broker() -> None:
    async with AsyncExitStack() as stack:
        assert _opened("", stack) is None


@pytest.mark.parametrize(
    "url, said",
    [
        ("pigeon://one", "begins with nats://"),
        ("nats://one:4222,two:4222", "each of several servers begins with nats://"),
        ("rabbitmq-stream://user:secret@:5552", "An address of RabbitMQ is like"),
        ("kafka://", "kafka://host:port,host:port"),
        ("kafka://one:9092,", "kafka://host:port,host:port"),
        ("kafka://one:9092/0", "kafka://host:port,host:port"),
        ("kafka://one:port", "kafka://host:port,host:port"),
        ("kafka://user:secret@one:9092?sasl=plain", "use kafka\\+tls://"),
        ("kafka://one:9092,kafka://two:9092", "kafka://host:port,host:port"),
    ],
)
async def test_an_address_that_names_none_is_refused_in_a_sentence(url: str, said: str) -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(BadSetting, match=said) as refused:
            _opened(url, stack)
    assert "secret" not in str(refused.value)
