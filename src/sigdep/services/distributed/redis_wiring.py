"""Picks what services share by way of Redis, if there is one."""

import ssl
from contextlib import AsyncExitStack
from typing import NamedTuple

from sigdep.gateway.fallbacks import FallbackLimiters, FallbackPresence, FallbackTickets
from sigdep.gateway.live.presence import LocalPresence
from sigdep.gateway.live.tickets import MemoryTickets
from sigdep.kernel.hot_views import HotViews
from sigdep.services.distributed.outgoing_tls import outgoing_tls, refuse_files
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.shared import Shared
from sigdep.services.settings import BadSetting


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
    from sigdep.adapters.redis.connecting import check_address  # noqa: PLC0415

    try:
        check_address(settings.redis_url)
    except ValueError as error:
        raise BadSetting(f"SIGDEP_REDIS_URL: {error}") from None
    if settings.redis_url.startswith("rediss://"):
        return outgoing_tls(settings, "redis")
    refuse_files(settings, "redis")
    return None


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
