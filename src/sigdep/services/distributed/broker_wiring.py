"""Picks the broker of one service, by its address."""

import re
import ssl
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Final

from sigdep.kernel.broker import Broker
from sigdep.services.distributed.outgoing_tls import outgoing_tls, refuse_files
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.observing.watch import NO_SYSTEM, Watch
from sigdep.services.settings import BadSetting

_KAFKA_SERVER: Final = re.compile(r"([\w.-]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?", re.ASCII)


def broker_system(settings: ServiceSettings) -> str:
    """Which broker brings events, as OpenTelemetry calls it."""
    scheme = re.split("[-+]", settings.broker_url.partition("://")[0])[0]
    return _SYSTEMS.get(scheme, scheme) or NO_SYSTEM


def open_broker(settings: ServiceSettings, watch: Watch, stack: AsyncExitStack) -> Broker | None:
    """None: there is none, and services follow each other's logs directly.

    Raises:
        BadSetting: no adapter of ours speaks with such a broker, or what it names for TLS cannot be used.
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
    broker = _BROKERS[scheme](settings.broker_url, tls)
    stack.push_async_callback(broker.close)
    return watch.broker(broker, system=broker_system(settings))


# Each adapter is loaded where it is used: it loads its client library, and a service starts sooner without the others.


def _nats(url: str, tls: ssl.SSLContext | None) -> Broker:
    from sigdep.adapters.nats.broker import NatsBroker  # noqa: PLC0415

    scheme, servers = url.partition("://")[0], [server.strip() for server in url.split(",")]
    if not all(server.startswith(f"{scheme}://") for server in servers):
        raise BadSetting(f"SIGDEP_BROKER_URL: each of several servers begins with {scheme}://.")
    return NatsBroker(servers) if tls is None else NatsBroker(servers, tls=tls)


def _kafka(url: str, tls: ssl.SSLContext | None) -> Broker:
    from sigdep.adapters.kafka.broker import KafkaBroker  # noqa: PLC0415
    from sigdep.adapters.kafka.connecting import DEFAULT_PORT  # noqa: PLC0415

    servers = [_KAFKA_SERVER.fullmatch(server.strip()) for server in url.partition("://")[2].split(",")]
    if None in servers:
        raise BadSetting("SIGDEP_BROKER_URL: Kafka is given as kafka://host:port,host:port.")
    addresses = [(server[1].strip("[]"), int(server[2] or DEFAULT_PORT)) for server in servers if server]
    return KafkaBroker(addresses) if tls is None else KafkaBroker(addresses, security_protocol="SSL", ssl_context=tls)


def _rabbitmq(url: str, tls: ssl.SSLContext | None) -> Broker:
    from sigdep.adapters.rabbitmq.broker import RabbitMQBroker  # noqa: PLC0415

    scheme, servers = url.partition("://")[0], [server.strip() for server in url.split(",")]
    if not all(server.startswith(f"{scheme}://") for server in servers):
        raise BadSetting(f"SIGDEP_BROKER_URL: each of several servers begins with {scheme}://.")
    try:
        return RabbitMQBroker(servers, tls=tls)
    except ValueError as error:
        raise BadSetting(f"SIGDEP_BROKER_URL: {error}") from None


def _redis(url: str, tls: ssl.SSLContext | None) -> Broker:
    from sigdep.adapters.redis.broker import RedisBroker  # noqa: PLC0415

    return RedisBroker(url, tls=tls)


_BROKERS: Final[Mapping[str, Callable[[str, ssl.SSLContext | None], Broker]]] = {
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

_SYSTEMS: Final = {"tls": "nats", "rediss": "redis"}
"""Where the scheme is not called like what answers."""
