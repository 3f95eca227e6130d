"""Which broker an address names, and what is said of one that names none."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from sigdep.adapters.kafka.broker import KafkaBroker
from sigdep.adapters.nats.broker import NatsBroker
from sigdep.adapters.rabbitmq.broker import RabbitMQBroker
from sigdep.adapters.redis.broker import RedisBroker
from sigdep.gateway.figures import Figures
from sigdep.kernel.broker import Broker
from sigdep.services.distributed.broker_wiring import open_broker
from sigdep.services.distributed.redis_wiring import open_shared
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.observing.broker_calls import MeasuredBroker
from sigdep.services.observing.watch import Watch
from sigdep.services.settings import BadSetting, load_settings_of
from sigdep.testing.broker_servers import running
from sigdep.testing.broker_setup import PARTITION, messages
from tests.adapters.nats.closed_servers import CredentialsNats, credentials_by
from tests.conftest import missing_servers_skip


def _opened(url: str, stack: AsyncExitStack, **settings: Any) -> Broker | None:
    found = open_broker(ServiceSettings(broker_url=url, **settings), Watch("tests", Figures()), stack)
    return found._broker if isinstance(found, MeasuredBroker) else found


@pytest.mark.parametrize(
    "url, kind",
    [
        ("nats://one:4222,nats://two:4222", NatsBroker),
        ("kafka://one:9092, two:9093,[::1]", KafkaBroker),
        ("kafka://one", KafkaBroker),
        ("kafka://user:secret@one,two?sasl=scram-sha-256", KafkaBroker),
        ("rabbitmq-stream://user:secret@one", RabbitMQBroker),
        ("nats://user:secret@one,nats://two", NatsBroker),
        ("redis://one:6379/0", RedisBroker),
        ("redis://user:secret@one", RedisBroker),
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
        ("nats://user:secret@one:port", "An address of NATS is like"),
        ("nats://user:secret@one,nats://other:secret@two", "Who comes is the same for all servers"),
        ("redis://user:secret@one:port", "An address of Redis is like"),
        ("redis://user:s#secret@one", "An address of Redis is like"),
        ("redis://user:secret@one/tasks", "An address of Redis is like"),
        ("redis://user:secret@one?socket_timeout=1", "An address of Redis is like"),
        ("redis://user:secret@one,two", "An address of Redis is like"),
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


@pytest.mark.parametrize("url", ["nats://one", "kafka://one"])
async def test_as_many_replicas_are_made_as_are_set(url: str) -> None:
    async with AsyncExitStack() as stack:
        broker = _opened(url, stack, broker_replicas=3)
        assert isinstance(broker, NatsBroker | KafkaBroker)
        assert broker._topics._replicas == 3


@pytest.mark.parametrize(
    "url, settings, said",
    [
        ("redis://one", {"broker_replicas": 3}, "SIGDEP_BROKER_REPLICAS is for NATS and Kafka: replicas of a Redis"),
        ("rabbitmq-stream://one", {"broker_replicas": 3}, "SIGDEP_BROKER_REPLICAS is for NATS and Kafka: RabbitMQ"),
        ("kafka://one", {"broker_credentials": "me.creds"}, "SIGDEP_BROKER_CREDENTIALS is for NATS"),
        ("nats://one", {"broker_credentials": "missing.creds"}, "SIGDEP_BROKER_CREDENTIALS: .*: no such file"),
        ("nats://one", {"broker_credentials": "empty.creds"}, "SIGDEP_BROKER_CREDENTIALS: Credentials of NATS are"),
    ],
)
async def test_what_is_set_for_another_broker_or_cannot_be_used_is_refused_in_a_sentence(
    url: str, settings: dict[str, Any], said: str, tmp_path: Path
) -> None:
    (tmp_path / "empty.creds").touch()
    if "broker_credentials" in settings:
        settings = {"broker_credentials": str(tmp_path / settings["broker_credentials"])}
    async with AsyncExitStack() as stack:
        with pytest.raises(BadSetting, match=said):
            _opened(url, stack, **settings)


async def test_a_file_of_credentials_opens_a_nats_for_whom_they_are(tmp_path: Path) -> None:
    with missing_servers_skip(), running(CredentialsNats) as server:
        (tmp_path / "me.creds").write_text(credentials_by(server.account))
        async with AsyncExitStack() as stack:
            broker = _opened(server.url, stack, broker_credentials=str(tmp_path / "me.creds"))
            assert broker is not None
            await broker.publish("told", messages([1, 2]))
            assert await broker.last("told", PARTITION) is not None


@pytest.mark.parametrize("url", ["http://user:secret@one", "redis://user:s#secret@one", "redis://user:secret@one:port"])
async def test_what_is_no_address_of_the_redis_that_gateways_share_is_refused_too(url: str) -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(BadSetting, match="SIGDEP_REDIS_URL: An address of Redis is like") as refused:
            await open_shared(ServiceSettings(redis_url=url), stack)
    assert "secret" not in str(refused.value)


def test_replicas_are_an_odd_number_that_can_agree() -> None:
    settings, _ = load_settings_of(ServiceSettings, {"SIGDEP_BROKER_REPLICAS": "3"}, {})
    assert settings.broker_replicas == 3
    with pytest.raises(BadSetting, match="SIGDEP_BROKER_REPLICAS cannot be '2': it takes 1, 3 or 5"):
        load_settings_of(ServiceSettings, {"SIGDEP_BROKER_REPLICAS": "2"}, {})
