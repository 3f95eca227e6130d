"""The services of the context of tasks, each as one process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sigdep.kernel.codec import Codec
from sigdep.kernel.sealed_log import UnsealedLog
from sigdep.rpc.log import log_handler
from sigdep.rpc.public_log import public_log_handler
from sigdep.services.distributed.checks import log_check
from sigdep.services.distributed.members import MEMBERSHIP, RemoteMembers
from sigdep.services.distributed.peers import Peers
from sigdep.services.distributed.relay import open_relay
from sigdep.services.distributed.replica import Replica, this_process
from sigdep.services.distributed.role import Role
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.wiring import open_broker, open_log, open_passports, open_search, open_stores
from sigdep.services.indexed_views import IndexedViews
from sigdep.services.published_log import PublishedLog
from sigdep.services.reactor import Reactor
from sigdep.services.server_secrets import load_key_encryption_key
from sigdep.tasks import context as tasks
from sigdep.tasks import contract as tasks_contract


@asynccontextmanager
async def tasks_write(settings: ServiceSettings) -> AsyncIterator[Role]:
    async with AsyncExitStack() as stack:
        passports = open_passports(settings, tasks_contract.WRITE.name)
        peers = await stack.enter_async_context(Peers(settings, passports))
        keys, views, leases = await open_stores(settings, load_key_encryption_key(settings.secrets_path), stack)
        log = await open_log(settings, tasks.EVENTS, keys, stack)
        members = RemoteMembers(peers.service(MEMBERSHIP))
        write = tasks.open_write(log=log, members=members, read=peers.service(tasks_contract.READ))
        broker = open_broker(settings, stack)
        reactions = tasks.TasksReactions(write)
        replica = Replica(leases=leases, holder=this_process(settings.instance))
        replica.react(Reactor("tasks reactions", peers.public_log("users"), reactions, views))
        replica.relay(open_relay("tasks", log.sealed, broker))
        yield Role(
            passports=passports,
            services={tasks_contract.WRITE: write},
            handlers=(
                log_handler(log.sealed, passports.gate(tasks_contract.WRITE.name)),
                public_log_handler(PublishedLog(log, tasks.publish), passports.gate(tasks_contract.WRITE.name)),
            ),
            jobs=replica.jobs,
            checks={"tasks.log": log_check(log.sealed), **replica.checks},
        )


@asynccontextmanager
async def tasks_read(settings: ServiceSettings) -> AsyncIterator[Role]:
    async with AsyncExitStack() as stack:
        passports = open_passports(settings, tasks_contract.READ.name)
        peers = await stack.enter_async_context(Peers(settings, passports))
        keys, views, leases = await open_stores(settings, load_key_encryption_key(settings.secrets_path), stack)
        codec = Codec(tasks.EVENTS, keys)
        log = UnsealedLog(peers.log("tasks", None), codec)
        followed = UnsealedLog(peers.log("tasks", open_broker(settings, stack)), codec)
        replica = Replica(leases=leases, holder=this_process(settings.instance))
        projector = replica.project(followed, views, tasks.read_model())
        search = None
        if (index := open_search(settings, stack)) is not None:
            texts = tasks.texts()
            (table,) = texts.tables
            search = tasks.open_search(index, replica.index(followed, IndexedViews(views, index, table), texts))
        yield Role(
            passports=passports,
            services={tasks_contract.READ: tasks.open_read(log=log, views=views, progress=projector, search=search)},
            jobs=replica.jobs,
            checks=replica.checks,
        )
