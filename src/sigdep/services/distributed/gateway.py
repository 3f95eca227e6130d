"""The public edge as a process of its own: every route of every context, answered by services elsewhere."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from sigdep.gateway.application import create_application
from sigdep.gateway.feed_source import FeedSource
from sigdep.gateway.live.hub import Hub
from sigdep.gateway.metrics import Metrics
from sigdep.kernel.codec import Codec
from sigdep.kernel.sealed_log import UnsealedLog
from sigdep.services.collector import calm_collector
from sigdep.services.distributed.broker_wiring import open_broker
from sigdep.services.distributed.checks import log_check
from sigdep.services.distributed.peers import Peers
from sigdep.services.distributed.redis_wiring import open_shared
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.shared_figures import SharedFigures
from sigdep.services.distributed.wiring import open_keys, open_passports
from sigdep.services.gateway_settings import gateway_settings
from sigdep.services.jobs import Jobs
from sigdep.services.menus import MENUS, USERS, all_told, routes_of
from sigdep.services.observing.watch import Watch
from sigdep.services.server_secrets import load_secrets
from sigdep.users.remote import RemoteIdentities


@asynccontextmanager
async def open_gateway(settings: ServiceSettings, watch: Watch, metrics: Metrics) -> AsyncIterator[Any]:
    """The ASGI application."""
    async with AsyncExitStack() as stack:
        secrets = load_secrets(settings.secrets_path)
        peers = await stack.enter_async_context(Peers(settings, open_passports(settings, "gateway"), watch))
        keys = await open_keys(settings, secrets.key_encryption_key, stack)
        broker = open_broker(settings, watch, stack)
        logs = {name: peers.log(name, broker) for name in MENUS}
        published = [menu.published(UnsealedLog(logs[name], Codec(menu.events, keys))) for name, menu in MENUS.items()]
        identities = RemoteIdentities(peers.service(USERS.read))
        feed = await stack.enter_async_context(FeedSource(published))
        jobs = await stack.enter_async_context(Jobs())
        shared = await open_shared(settings, stack)
        live = await stack.enter_async_context(Hub(feed, identities, presence=shared.presence, spans=watch.spans))
        shared.revocations.listen(identities.forget)  # First: whoever looks again must not be told what was known.
        shared.revocations.listen(live.suspect)
        for name, job in shared.jobs.items():
            jobs.start(name, job)
        metrics.add(live.counts)
        metrics.add(SharedFigures(shared.ways))
        calm_collector()
        yield create_application(
            routes_of((menu, peers.service(menu.write), peers.service(menu.read)) for menu in MENUS.values()),
            identities=identities,
            settings=gateway_settings(settings, secrets.fingerprint_key),
            feed=feed,
            told=all_told(),
            live=live,
            tickets=shared.tickets,
            limiters=shared.limiters,
            checks={f"{context}.write": log_check(log) for context, log in logs.items()},
            metrics=metrics,
            spans=watch.spans,
        )
