"""What other processes say by way of Redis: heard as it is said, and lost where nobody listened."""

import asyncio
import ssl
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

import structlog
from redis.asyncio.client import PubSub

from sigdep.adapters.outages import Away, OutOfOrder
from sigdep.adapters.redis.connecting import redis_at
from sigdep.adapters.redis.errors import translated

CONNECT_SECONDS_MAX: Final = 1.0
PING_SECONDS: Final = 2.0
SILENT_SECONDS_MAX: Final = 6.0
"""After so long without a word, not even an answer to a ping, the connection is given up."""

RETRY_SECONDS: Final = 0.5
"""Between attempts to listen again."""

_log = structlog.get_logger("sigdep.redis")

HeardBytes = Callable[[bytes], None]


class RedisNews:
    """Run its job: `run`. What is heard is handed on at once, to functions that must neither wait nor raise."""

    purpose: Final = "notices"

    def __init__(self, url: str, *, tls: ssl.SSLContext | None = None) -> None:
        self.is_away = False
        self.losses = 0
        """How often the connection was lost, or not to be had."""
        self._heard: dict[bytes, HeardBytes] = {}
        # Without a timeout of its own, as RedisAid.
        self._redis = redis_at(url, tls, socket_timeout=None, socket_connect_timeout=CONNECT_SECONDS_MAX)

    def listen(self, channel: str, heard: HeardBytes) -> None:
        """Before `run`."""
        self._heard[channel.encode()] = heard

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                with translated():
                    await self._listen()
            except (Away, OutOfOrder) as error:
                self.losses += 1
                if not self.is_away:
                    self.is_away = True
                    _log.warning("redis is away, this process goes on alone", purpose=self.purpose, reason=error.detail)
            await asyncio.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        with translated():
            await self._redis.aclose()

    async def _listen(self) -> None:
        async with self._redis.pubsub() as subscription:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                await subscription.subscribe(*self._heard)
            heard_at = pinged_at = monotonic()
            while monotonic() - heard_at < SILENT_SECONDS_MAX:
                message = await subscription.get_message(timeout=PING_SECONDS)
                now = monotonic()
                if message is not None:
                    heard_at = now
                    self._hear(message)
                if now - pinged_at >= PING_SECONDS:
                    pinged_at = now
                    await self._ping(subscription)
        raise Away(f"Redis has said nothing for {SILENT_SECONDS_MAX:g} seconds.")

    async def _ping(self, subscription: PubSub) -> None:
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            await subscription.ping()

    def _hear(self, message: dict[str, Any]) -> None:
        if self.is_away:
            self.is_away = False
            _log.info("redis is back", purpose=self.purpose)
        if message["type"] == "message":
            self._heard[message["channel"]](message["data"])
