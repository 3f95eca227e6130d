"""The services of the context of calendars, each as one process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sigdep.calendar import context as calendar
from sigdep.calendar import contract as calendar_contract
from sigdep.kernel.codec import Codec
from sigdep.kernel.sealed_log import UnsealedLog
from sigdep.rpc.log import log_handler
from sigdep.rpc.public_log import public_log_handler
from sigdep.services.distributed.broker_wiring import broker_system, open_broker
from sigdep.services.distributed.checks import log_check
from sigdep.services.distributed.members import MEMBERSHIP, RemoteMembers
from sigdep.services.distributed.peers import Peers
from sigdep.services.distributed.relay import open_relay
from sigdep.services.distributed.replica import Replica, this_process
from sigdep.services.distributed.role import Role
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.wiring import DATABASE, open_log, open_passports, open_stores
from sigdep.services.observing.lag import FollowedLog
from sigdep.services.observing.watch import Watch
from sigdep.services.published_log import PublishedLog
from sigdep.services.reactor import Reactor
from sigdep.services.server_secrets import load_key_encryption_key


@asynccontextmanager
async def calendar_write(settings: ServiceSettings, watch: Watch) -> AsyncIterator[Role]:
    async with AsyncExitStack() as stack:
        passports = open_passports(settings, calendar_contract.WRITE.name)
        peers = await stack.enter_async_context(Peers(settings, passports, watch))
        keys, views, leases = await open_stores(settings, load_key_encryption_key(settings.secrets_path), stack)
        log = await open_log(settings, calendar.EVENTS, keys, stack)
        store = watch.store("calendar", log, system=DATABASE)
        write = calendar.open_write(log=store, members=RemoteMembers(peers.service(MEMBERSHIP)))
        broker = open_broker(settings, watch, stack)
        reactions = watch.reactions("calendar reactions", calendar.CalendarReactions(write))
        replica = Replica(leases=leases, holder=this_process(settings.instance), watch=watch)
        # How far the other context's log goes may be known here, and nothing else of it.
        people = FollowedLog(heads=peers.log("users", None).heads, oldest=None)
        told = peers.public_log("users")
        replica.react(Reactor("calendar reactions", told, reactions, views, heads=people.heads), people)
        replica.relay(open_relay("calendar", log.sealed, broker, passports))
        yield Role(
            passports=passports,
            services={calendar_contract.WRITE: write},
            handlers=(
                log_handler(log.sealed, passports.gate(calendar_contract.WRITE.name)),
                public_log_handler(PublishedLog(log, calendar.publish), passports.gate(calendar_contract.WRITE.name)),
            ),
            jobs=replica.jobs,
            checks={"calendar.log": log_check(log.sealed), **replica.checks},
        )


@asynccontextmanager
async def calendar_read(settings: ServiceSettings, watch: Watch) -> AsyncIterator[Role]:
    async with AsyncExitStack() as stack:
        passports = open_passports(settings, calendar_contract.READ.name)
        peers = await stack.enter_async_context(Peers(settings, passports, watch))
        keys, views, leases = await open_stores(settings, load_key_encryption_key(settings.secrets_path), stack)
        codec = Codec(calendar.EVENTS, keys)
        log = UnsealedLog(peers.log("calendar", None), codec)
        followed = watch.followed(
            "calendar",
            "calendar projector",
            UnsealedLog(peers.log("calendar", open_broker(settings, watch, stack)), codec),
            system=broker_system(settings),
        )
        replica = Replica(leases=leases, holder=this_process(settings.instance), watch=watch)
        projector = replica.project(followed, views, calendar.read_model())
        yield Role(
            passports=passports,
            services={calendar_contract.READ: calendar.open_read(log=log, views=views, progress=projector)},
            jobs=replica.jobs,
            checks=replica.checks,
        )
