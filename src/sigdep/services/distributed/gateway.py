"""The public edge as a process of its own: every route of every context, answered by services elsewhere."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from sigdep.gateway.application import create_application
from sigdep.gateway.feed_source import FeedSource, Log
from sigdep.gateway.live.hub import Hub
from sigdep.gateway.metrics import Metrics
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import partition_of
from sigdep.kernel.sealed_log import UnsealedLog
from sigdep.services.collector import calm_collector
from sigdep.services.distributed.checks import log_check
from sigdep.services.distributed.peers import Peers
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.shared_figures import SharedFigures
from sigdep.services.distributed.wiring import open_broker, open_keys, open_passports, open_shared
from sigdep.services.gateway_settings import gateway_settings
from sigdep.services.jobs import Jobs
from sigdep.services.observing.watch import Watch
from sigdep.services.server_secrets import load_secrets
from sigdep.tasks import context as tasks
from sigdep.tasks import contract as tasks_contract
from sigdep.users import context as users
from sigdep.users import contract as users_contract
from sigdep.users.remote import RemoteIdentities

CONTEXTS: Final = ("tasks", "users")


@asynccontextmanager
async def open_gateway(settings: ServiceSettings, watch: Watch, metrics: Metrics) -> AsyncIterator[Any]:
    """The ASGI application."""
    async with AsyncExitStack() as stack:
        secrets = load_secrets(settings.secrets_path)
        peers = await stack.enter_async_context(Peers(settings, open_passports(settings, "gateway"), watch))
        keys = await open_keys(settings, secrets.key_encryption_key, stack)
        broker = open_broker(settings, watch, stack)
        logs = {context: peers.log(context, broker) for context in CONTEXTS}
        published = (
            Log(context="tasks", store=UnsealedLog(logs["tasks"], Codec(tasks.EVENTS, keys)), publish=tasks.publish),
            Log(
                context="users",
                store=UnsealedLog(logs["users"], Codec(users.EVENTS, keys)),
                publish=users.publish,
                partition_for=lambda _workspace: partition_of(users.REALM),
            ),
        )
        tasks_write, tasks_read = peers.service(tasks_contract.WRITE), peers.service(tasks_contract.READ)
        users_write, users_read = peers.service(users_contract.WRITE), peers.service(users_contract.READ)
        identities = RemoteIdentities(users_read)
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
            (*tasks.routes(tasks_write, tasks_read), *users.routes(users_write, users_read)),
            identities=identities,
            settings=gateway_settings(settings, secrets.fingerprint_key),
            feed=feed,
            live=live,
            tickets=shared.tickets,
            limiters=shared.limiters,
            checks={f"{context}.write": log_check(log) for context, log in logs.items()},
            metrics=metrics,
            spans=watch.spans,
        )
