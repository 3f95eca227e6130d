"""Picks the adapters of one service: this and its neighbours `…_wiring` alone know which ones exist."""

import asyncio
from collections.abc import Iterable, Mapping
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
from sigdep.kernel.clock import Clock
from sigdep.kernel.codec import Codec
from sigdep.kernel.keys import KeyRing
from sigdep.kernel.lease import Leases
from sigdep.kernel.messages import Event
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.search_index import SearchIndex
from sigdep.rpc.passports import Passports
from sigdep.services.distributed.settings import ServiceSettings
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


# An adapter is loaded where it is used: each loads its client library, and a service starts sooner without the others.

_ADAPTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "broker_url nats": ("nats.broker",),
    "broker_url tls": ("nats.broker",),
    "broker_url kafka": ("kafka.broker", "kafka.address"),
    "broker_url kafka+tls": ("kafka.broker", "kafka.address"),
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
