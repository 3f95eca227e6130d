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
    try:
        broker = _BROKERS[scheme](settings, tls)
    except ValueError as error:  # A sentence, and without the address: there may be a password in it.
        raise BadSetting(f"SIGDEP_BROKER_URL: {error}") from None
    stack.push_async_callback(broker.close)
    return watch.broker(broker, system=broker_system(settings))


# Each adapter is loaded where it is used: it loads its client library, and a service starts sooner without the others.


def _nats(settings: ServiceSettings, tls: ssl.SSLContext | None) -> Broker:
    from sigdep.adapters.nats.broker import NatsBroker  # noqa: PLC0415

    options: dict[str, Any] = {} if tls is None else {"tls": tls}
    return NatsBroker(_servers(settings), **options)


def _kafka(settings: ServiceSettings, tls: ssl.SSLContext | None) -> Broker:
    from sigdep.adapters.kafka.address import Address  # noqa: PLC0415
    from sigdep.adapters.kafka.broker import KafkaBroker  # noqa: PLC0415

    address = Address.parse(settings.broker_url)
    return KafkaBroker(address.servers, **address.options(tls))


def _rabbitmq(settings: ServiceSettings, tls: ssl.SSLContext | None) -> Broker:
    from sigdep.adapters.rabbitmq.broker import RabbitMQBroker  # noqa: PLC0415

    return RabbitMQBroker(_servers(settings), tls=tls)


def _redis(settings: ServiceSettings, tls: ssl.SSLContext | None) -> Broker:
    from sigdep.adapters.redis.broker import RedisBroker  # noqa: PLC0415

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

_SYSTEMS: Final = {"tls": "nats", "rediss": "redis"}
"""Where the scheme is not called like what answers."""
