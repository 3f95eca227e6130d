"""Picks the broker of one service, by its address."""

import re
import ssl
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

from sigdep.kernel.broker import Broker
from sigdep.services.distributed.outgoing_tls import outgoing_tls, refuse_files
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.observing.watch import NO_SYSTEM, Watch
from sigdep.services.settings import BadSetting


def broker_system(settings: ServiceSettings) -> str:
    """Which broker brings events, as OpenTelemetry calls it."""
    scheme = re.split("[-+]", settings.broker_url.partition("://")[0])[0]
    return _SYSTEMS.get(scheme, scheme) or NO_SYSTEM


def open_broker(settings: ServiceSettings, watch: Watch, stack: AsyncExitStack) -> Broker | None:
    """None: there is none, and services follow each other's logs directly.

    Raises:
        BadSetting: no adapter of ours speaks with such a broker, or what is set for it cannot be used.
    """
    if not settings.broker_url:
        return None
    scheme = settings.broker_url.partition("://")[0]
    if scheme not in _BROKERS:
        raise BadSetting(f"SIGDEP_BROKER_URL begins with {', '.join(f'{name}://' for name in _BROKERS)}.")
    if scheme in _WITH_TLS:
        tls = outgoing_tls(settings, "broker")
    else:
        refuse_files(settings, "broker")
        tls = None
    if settings.broker_credentials and scheme not in _WITH_CREDENTIALS:
        raise BadSetting("SIGDEP_BROKER_CREDENTIALS is for NATS, which has such files: nats:// or tls://.")
    try:
        broker = _BROKERS[scheme](settings, tls)
    except ValueError as error:  # A sentence, and without the address: there may be a password in it.
        raise BadSetting(f"SIGDEP_BROKER_URL: {error}") from None
    stack.push_async_callback(broker.close)
    return watch.broker(broker, system=broker_system(settings))


# Each adapter is loaded where it is used: it loads its client library, and a service starts sooner without the others.


def _nats(settings: ServiceSettings, tls: ssl.SSLContext | None) -> Broker:
    from sigdep.adapters.nats.broker import NatsBroker  # noqa: PLC0415

    options: dict[str, Any] = _credentials(settings) if settings.broker_credentials else {}
    if tls is not None:
        options["tls"] = tls
    return NatsBroker(_servers(settings), replicas=settings.broker_replicas, **options)


def _credentials(settings: ServiceSettings) -> dict[str, Any]:
    """
    Raises:
        BadSetting: the file cannot be read, or holds none.
    """
    from sigdep.adapters.nats.credentials import Credentials  # noqa: PLC0415

    try:
        return Credentials.parse(settings.file("broker_credentials").decode(errors="replace")).options()
    except ValueError as error:
        raise BadSetting(f"SIGDEP_BROKER_CREDENTIALS: {error}") from None


def _kafka(settings: ServiceSettings, tls: ssl.SSLContext | None) -> Broker:
    from sigdep.adapters.kafka.address import Address  # noqa: PLC0415
    from sigdep.adapters.kafka.broker import KafkaBroker  # noqa: PLC0415

    address = Address.parse(settings.broker_url)
    return KafkaBroker(address.servers, replicas=settings.broker_replicas, **address.options(tls))


def _rabbitmq(settings: ServiceSettings, tls: ssl.SSLContext | None) -> Broker:
    from sigdep.adapters.rabbitmq.broker import RabbitMQBroker  # noqa: PLC0415

    _refuse_replicas(settings, "RabbitMQ keeps every stream on every node of its cluster by itself")
    return RabbitMQBroker(_servers(settings), tls=tls)


def _redis(settings: ServiceSettings, tls: ssl.SSLContext | None) -> Broker:
    from sigdep.adapters.redis.broker import RedisBroker  # noqa: PLC0415

    _refuse_replicas(settings, "replicas of a Redis are configured there")
    return RedisBroker(settings.broker_url, tls=tls)


def _servers(settings: ServiceSettings) -> list[str]:
    """Of one cluster, all reached in the same way.

    Raises:
        BadSetting: one is reached in another.
    """
    scheme = settings.broker_url.partition("://")[0]
    servers = [server.strip() for server in settings.broker_url.split(",")]
    if not all(server.startswith(f"{scheme}://") for server in servers):
        raise BadSetting(f"SIGDEP_BROKER_URL: each of several servers begins with {scheme}://.")
    return servers


def _refuse_replicas(settings: ServiceSettings, why: str) -> None:
    """
    Raises:
        BadSetting: there should be several.
    """
    if settings.broker_replicas > 1:
        raise BadSetting(f"SIGDEP_BROKER_REPLICAS is for NATS and Kafka: {why}.")


_BROKERS: Final[Mapping[str, Callable[[ServiceSettings, ssl.SSLContext | None], Broker]]] = {
    "nats": _nats,
    "tls": _nats,
    "kafka": _kafka,
    "kafka+tls": _kafka,
    "rabbitmq-stream": _rabbitmq,
    "rabbitmq-stream+tls": _rabbitmq,
    "redis": _redis,
    "rediss": _redis,
}
"""By the scheme of their addresses."""

_WITH_TLS: Final = frozenset({"tls", "kafka+tls", "rabbitmq-stream+tls", "rediss"})

_WITH_CREDENTIALS: Final = frozenset({"nats", "tls"})

_SYSTEMS: Final = {"tls": "nats", "rediss": "redis"}
"""Where the scheme is not called like what answers."""
