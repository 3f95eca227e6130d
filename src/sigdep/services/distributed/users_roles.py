"""The services of the context of users, each as one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from time import time
from typing import Final

import structlog

from sigdep.http.revocations import Revocations, Suspects
from sigdep.http.stamps import utc_now
from sigdep.kernel.codec import Codec
from sigdep.kernel.sealed_log import UnsealedLog
from sigdep.rpc.log import log_handler
from sigdep.rpc.public_log import public_log_handler
from sigdep.services.distributed.broker_wiring import broker_system, open_broker
from sigdep.services.distributed.checks import log_check
from sigdep.services.distributed.peers import Peers
from sigdep.services.distributed.redis_wiring import open_shared
from sigdep.services.distributed.relay import open_relay
from sigdep.services.distributed.replica import Replica, this_process
from sigdep.services.distributed.role import Role
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.shared_figures import SharedFigures
from sigdep.services.distributed.wiring import DATABASE, open_log, open_passports, open_stores
from sigdep.services.observing.lag import followed_events
from sigdep.services.observing.watch import Watch
from sigdep.services.published_log import PublishedLog
from sigdep.services.reactor import Reactor
from sigdep.services.rolled_projector import RolledProjector
from sigdep.services.server_secrets import load_secrets
from sigdep.users import context as users
from sigdep.users import contract as users_contract

ERASURES_EVERY_SECONDS: Final = 60.0
ERASURES_SOON_SECONDS: Final = 0.2
"""Between runs where erasures have no time of grace, and between looks whether the read model is ready."""

TOKEN_USES_EVERY_SECONDS: Final = 60.0

_log = structlog.get_logger("sigdep.users")


@asynccontextmanager
async def users_write(settings: ServiceSettings, watch: Watch) -> AsyncIterator[Role]:
    async with AsyncExitStack() as stack:
        secrets = load_secrets(settings.secrets_path)
        passports = open_passports(settings, users_contract.WRITE.name)
        keys, views, leases = await open_stores(settings, secrets.key_encryption_key, stack)
        log = await open_log(settings, users.EVENTS, keys, stack)
        replica = Replica(leases=leases, holder=this_process(settings.instance), watch=watch)
        projector = replica.project(watch.followed("users", "users projector", log), views, users.read_model())
        side = users.open_write(
            log=watch.store("users", log, system=DATABASE),
            views=views,
            progress=projector,
            keys=keys,
            token_key=secrets.token_key,
            signing_keys=(secrets.signing_key,),
            issuer=_issuer(settings),
            access_token_seconds=settings.access_token_seconds,
            erase_grace=timedelta(days=settings.erase_grace_days),
            limits=settings.guess_limits,
            alone=False,
        )
        stack.callback(side.close)
        broker = open_broker(settings, watch, stack)
        replica.relay(open_relay("users", log.sealed, broker, passports))
        replica.alone("erasures", partial(_erase_for_ever, side, projector, settings.erase_grace_days))
        yield Role(
            passports=passports,
            services={users_contract.WRITE: side.write},
            handlers=(
                log_handler(log.sealed, passports.gate(users_contract.WRITE.name)),
                public_log_handler(PublishedLog(log, users.publish), passports.gate(users_contract.WRITE.name)),
            ),
            jobs=replica.jobs,
            checks={"users.log": log_check(log.sealed), **replica.checks},
        )


@asynccontextmanager
async def users_read(settings: ServiceSettings, watch: Watch) -> AsyncIterator[Role]:
    async with AsyncExitStack() as stack:
        secrets = load_secrets(settings.secrets_path)
        passports = open_passports(settings, users_contract.READ.name)
        peers = await stack.enter_async_context(Peers(settings, passports, watch))
        keys, views, leases = await open_stores(settings, secrets.key_encryption_key, stack)
        codec = Codec(users.EVENTS, keys)
        log = UnsealedLog(peers.log("users", None), codec)
        followed = watch.followed(
            "users",
            "users projector",
            UnsealedLog(peers.log("users", open_broker(settings, watch, stack)), codec),
            system=broker_system(settings),
        )
        replica = Replica(leases=leases, holder=this_process(settings.instance), watch=watch)
        shared = await open_shared(settings, stack)
        watch.figures.add(SharedFigures(shared.ways))
        projector = replica.project(
            followed, views, users.read_model(), lambda batch: _revoke(users.suspects(batch), shared.revocations)
        )
        side = users.open_read(
            log=log,
            views=views,
            progress=projector,
            signing_keys=(secrets.signing_key,),
            issuer=_issuer(settings),
            now=time,
        )
        shared.revocations.listen(side.identities.forget)
        stack.push_async_callback(side.token_uses.save)
        reactions = watch.reactions("users reactions", side.reactions)
        reactor = Reactor("users reactions", PublishedLog(log, users.publish), reactions, views, heads=log.heads)
        replica.react(reactor, followed_events(log))
        yield Role(
            passports=passports,
            services={users_contract.READ: side.read},
            jobs={**replica.jobs, **shared.jobs, "token uses": partial(_save_token_uses, side)},
            checks=replica.checks,
        )


def _revoke(suspects: Suspects, revocations: Revocations) -> None:
    if suspects is None or suspects:
        revocations.tell(suspects)


def _issuer(settings: ServiceSettings) -> str:
    return settings.required("public_url")


async def _erase_for_ever(side: users.UsersWriteSide, projector: RolledProjector, grace_days: float) -> None:
    """Carry out erasures when their time has come."""
    while True:
        if not projector.is_fit:
            await asyncio.sleep(ERASURES_SOON_SECONDS)
            continue
        report = await side.erasures.run_due(utc_now())
        if report.again:
            _log.warning("keys of the erased had come back and are destroyed again", keys=report.again)
        for error in report.failed:
            _log.warning("erasure failed and will be tried again", error=str(error))
        await asyncio.sleep(ERASURES_EVERY_SECONDS if grace_days else ERASURES_SOON_SECONDS)


async def _save_token_uses(side: users.UsersReadSide) -> None:
    while True:
        await asyncio.sleep(TOKEN_USES_EVERY_SECONDS)
        await side.token_uses.save()
