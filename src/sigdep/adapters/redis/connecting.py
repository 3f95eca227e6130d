"""How Redis is reached, in the clear or by TLS."""

import ssl
from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

SCHEMES: Final = ("redis", "rediss")


class _TlsConnection(SSLConnection):
    """By a context of ours. What redis-py makes of files trusts everybody whom the system trusts as well."""

    def __init__(self, *, tls: ssl.SSLContext, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context.context = tls


def redis_at(url: str, tls: ssl.SSLContext | None, **options: Any) -> Redis:
    """Connects when it is first asked, and tries nothing again: that is for whoever asks.

    Args:
        url: `redis://…`, or `rediss://…` for TLS.
        tls: whom we trust, and what we show. None: whom the system trusts.
        options: of redis-py.

    Raises:
        ValueError: the address is none.
    """
    check_address(url)
    redis: Redis = Redis.from_url(url, retry=Retry(NoBackoff(), 0), **options)
    if tls is not None:
        redis.connection_pool.connection_class = _TlsConnection
        redis.connection_pool.connection_kwargs["tls"] = tls
    return redis


def check_address(url: str) -> None:
    """What redis-py says of an address may show a part of a password, and it would take options of its own from one.

    Raises:
        ValueError: it is not like `redis://user:password@host:6379/0`. The text does not repeat it.
    """
    parts = urlsplit(url)
    try:
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        host = None
    number = parts.path.strip("/")
    is_number = not number or (number.isascii() and number.isdigit())
    if parts.scheme not in SCHEMES or not host or "," in host or not is_number or parts.query or parts.fragment:
        raise ValueError(
            "An address of Redis is like redis://host:6379/0, redis://user:password@host or redis://:password@host. "
            "What has a meaning in addresses (:/?#@,) is written %3A, … in a name or a password."
        )
