"""Picks the adapters of one service: the only module of the distributed system that knows which ones exist."""

import asyncio
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from importlib import import_module
from time import time
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from sigdep.adapters.postgres.clock import PostgresClock
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.adapters.postgres.key_ring import PostgresKeyRing
from sigdep.adapters.postgres.lease import PostgresLeases
from sigdep.adapters.postgres.migrations import is_made
from sigdep.adapters.postgres.read_store import PostgresReadStore
from sigdep.gateway.fallbacks import FallbackLimiters, FallbackPresence, FallbackTickets
from sigdep.gateway.live.presence import LocalPresence
from sigdep.gateway.live.tickets import MemoryTickets
from sigdep.kernel.broker import Broker
from sigdep.kernel.clock import Clock
from sigdep.kernel.codec import Codec
from sigdep.kernel.hot_views import HotViews
from sigdep.kernel.keys import KeyRing
from sigdep.kernel.lease import Leases
from sigdep.kernel.messages import Event
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.search_index import SearchIndex
from sigdep.rpc.passports import Passports
from sigdep.services.distributed.outgoing_tls import outgoing_tls, refuse_files
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.shared import Shared
from sigdep.services.observing.watch import NO_SYSTEM, Watch
from sigdep.services.server_secrets import load_passport_key
from sigdep.services.settings import BadSetting

DATABASE: Final = "postgresql"
"""As OpenTelemetry calls it."""

LOG_SCHEMA = "log"
VIEWS_SCHEMA = "views"
LEASES_SCHEMA = "leases"


def open_passports(settings: ServiceSettings, role: str) -> Passports:
    """
    Args:
        role: of this process: whoever reads a passport sees who has signed it.

    Raises:
        SecretsExposed: others can read the key.
    """
    key = load_passport_key(settings.secrets_path)
    return Passports(key, issuer=role, now=time, unsigned=settings.accept_unsigned)


class Stores(NamedTuple):
    """What every service but the gateway opens."""

    keys: KeyRing
    views: ReadStore
    leases: Leases


async def open_stores(settings: ServiceSettings, key_encryption_key: bytes, stack: AsyncExitStack) -> Stores:
    """All at once: a service that has died is waited for."""
    keys = asyncio.ensure_future(open_keys(settings, key_encryption_key, stack))
    views = asyncio.ensure_future(open_views(settings, stack))
    leases = asyncio.ensure_future(_open_leases(settings, stack))
    # Also those beside one that fails: what they open is closed with the stack.
    await asyncio.gather(keys, views, leases, return_exceptions=True)
    return Stores(keys.result(), views.result(), leases.result())


async def open_keys(settings: ServiceSettings, key_encryption_key: bytes, stack: AsyncExitStack) -> KeyRing:
    keys = await PostgresKeyRing.open(settings.required("keys_url"), key_encryption_key)
    stack.push_async_callback(keys.close)
    return keys


async def open_log(
    settings: ServiceSettings, events: Iterable[type[Event]], keys: KeyRing, stack: AsyncExitStack
) -> PostgresEventStore:
    """The log that this service writes. It offers its rows to others as they are stored: `sealed`."""
    log = await PostgresEventStore.open(settings.required("database_url"), Codec(events, keys), schema=LOG_SCHEMA)
    stack.push_async_callback(log.close)
    return log


async def open_views(settings: ServiceSettings, stack: AsyncExitStack) -> ReadStore:
    views = await PostgresReadStore.open(settings.required("database_url"), schema=VIEWS_SCHEMA)
    stack.push_async_callback(views.close)
    return views


async def check_database(settings: ServiceSettings, *, has_log: bool) -> None:
    """Whoever opens the database of a service makes what is missing there. So it is asked first whether it is that one.

    Args:
        has_log: whether it is a service that keeps a log.

    Raises:
        BadSetting: it is the database of no such service, or of none at all.
        Unavailable: it is away.
    """
    url = settings.required("database_url")
    if not await is_made(url, VIEWS_SCHEMA, "read_store") or await is_made(url, LOG_SCHEMA, "event_store") != has_log:
        raise BadSetting("SIGDEP_DATABASE_URL names the database of another service, or one that has never been used.")


async def _open_leases(settings: ServiceSettings, stack: AsyncExitStack) -> Leases:
    """Those that all replicas of this service share."""
    leases = await PostgresLeases.open(settings.required("database_url"), schema=LEASES_SCHEMA)
    stack.push_async_callback(leases.close)
    return leases


async def open_clock(settings: ServiceSettings, stack: AsyncExitStack) -> Clock:
    """The one that all replicas of this service go by."""
    clock = await PostgresClock.open(settings.required("database_url"))
    stack.push_async_callback(clock.close)
    return clock


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


async def open_shared(settings: ServiceSettings, stack: AsyncExitStack) -> Shared:
    """What gateways and other processes share by way of Redis, if there is one. It may be away, now and later.

    Raises:
        BadSetting: the setting is no address of a Redis, or what it names for TLS cannot be used.
    """
    url = settings.redis_url
    if not url:
        return Shared()
    tls = _redis_tls(settings)
    from sigdep.adapters.redis import aid, limits, news, presence, revocations, tickets  # noqa: PLC0415

    def open_aid(purpose: str, answer_seconds: float) -> aid.RedisAid:
        opened = aid.RedisAid(url, purpose, answer_seconds=answer_seconds, tls=tls)
        stack.push_async_callback(opened.close)
        return opened

    aids = [
        open_aid("limits", limits.ANSWER_SECONDS_MAX),
        open_aid("tickets", tickets.ANSWER_SECONDS_MAX),
        open_aid("presence", presence.ANSWER_SECONDS_MAX),
        open_aid("revocations", revocations.ANSWER_SECONDS_MAX),
    ]
    hearing = news.RedisNews(url, tls=tls)
    stack.push_async_callback(hearing.close)
    limiting = limits.RedisLimiters(aids[0])
    stack.push_async_callback(limiting.close)
    present = presence.RedisPresence(aids[2], hearing)
    stack.push_async_callback(present.close)
    revoking = revocations.RedisRevocations(aids[3], hearing)
    stack.push_async_callback(revoking.close)
    return Shared(
        limiters=FallbackLimiters(limiting),
        tickets=FallbackTickets(tickets.RedisTickets(aids[1]), MemoryTickets()),
        presence=FallbackPresence(present, LocalPresence()),
        revocations=revoking,
        jobs={"redis notices": hearing.run, "redis presence": present.run},
        ways=(*aids, hearing),
    )


def _redis_tls(settings: ServiceSettings) -> ssl.SSLContext | None:
    if settings.redis_url.startswith("rediss://"):
        return outgoing_tls(settings, "redis")
    if not settings.redis_url.startswith("redis://"):
        raise BadSetting("SIGDEP_REDIS_URL begins with redis:// or rediss://.")
    refuse_files(settings, "redis")
    return None


def open_search(settings: ServiceSettings, stack: AsyncExitStack) -> SearchIndex | None:
    """None: there is none, and the read store searches. It is reached when it is first asked.

    Raises:
        BadSetting: its address or the file of its authority cannot be used.
    """
    if not settings.search_url:
        return None
    if urlsplit(settings.search_url).scheme not in ("http", "https") or not urlsplit(settings.search_url).hostname:
        raise BadSetting("SIGDEP_SEARCH_URL is an address as in https://search.example:9200.")
    from sigdep.adapters.opensearch.search_index import OpenSearchIndex  # noqa: PLC0415

    authority = settings.file("search_authority") if settings.search_authority else None
    index = OpenSearchIndex(settings.search_url, authority=authority)
    stack.push_async_callback(index.close)
    return index


_KAFKA_SERVER: Final = re.compile(r"([\w.-]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?", re.ASCII)


class Hot(NamedTuple):
    """The same hot views, by a way for batches and by one for pages, which have other bounds."""

    written: HotViews
    read: HotViews


def open_hot_views(settings: ServiceSettings, stack: AsyncExitStack) -> Hot | None:
    """None: there is no Redis. It may be away, now and later.

    Raises:
        BadSetting: the setting is no address of a Redis, or what it names for TLS cannot be used.
    """
    url = settings.redis_url
    if not url:
        return None
    tls = _redis_tls(settings)
    from sigdep.adapters.redis import hot_views  # noqa: PLC0415
    from sigdep.adapters.redis.aid import RedisAid  # noqa: PLC0415

    def open_one(purpose: str, answer_seconds: float) -> HotViews:
        aid = RedisAid(url, purpose, answer_seconds=answer_seconds, tls=tls)
        stack.push_async_callback(aid.close)
        return hot_views.RedisHotViews(aid)

    return Hot(
        open_one("hot views, written", hot_views.BATCH_SECONDS_MAX),
        open_one("hot views, read", hot_views.PAGE_SECONDS_MAX),
    )


# An adapter is loaded where it is used: each loads its client library, and a service starts sooner without the others.

_ADAPTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "broker_url nats": ("nats.broker",),
    "broker_url tls": ("nats.broker",),
    "broker_url kafka": ("kafka.broker", "kafka.connecting"),
    "broker_url kafka+tls": ("kafka.broker", "kafka.connecting"),
    "broker_url rabbitmq-stream": ("rabbitmq.broker",),
    "broker_url rabbitmq-stream+tls": ("rabbitmq.broker",),
    "broker_url redis": ("redis.broker",),
    "broker_url rediss": ("redis.broker",),
    **dict.fromkeys(
        ("redis_url redis", "redis_url rediss"),
        tuple(f"redis.{name}" for name in ("limits", "news", "presence", "revocations", "tickets", "hot_views")),
    ),
    **dict.fromkeys(("search_url http", "search_url https"), ("opensearch.search_index",)),
}
"""By the setting that names a server, and the scheme of its address."""


def load_adapters(settings: ServiceSettings) -> None:
    """Before anything is opened, those that services with such settings load then."""
    for setting in ("broker_url", "redis_url", "search_url"):
        scheme = getattr(settings, setting).partition("://")[0]
        for name in _ADAPTERS.get(f"{setting} {scheme}", ()):
            import_module(f"sigdep.adapters.{name}")


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
