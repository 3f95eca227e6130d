"""How Redis is reached, in the clear or by TLS."""

import ssl
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


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
    """
    redis: Redis = Redis.from_url(url, retry=Retry(NoBackoff(), 0), **options)
    if tls is not None:
        redis.connection_pool.connection_class = _TlsConnection
        redis.connection_pool.connection_kwargs["tls"] = tls
    return redis
