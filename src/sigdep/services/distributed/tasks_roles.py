"""The services of the context of tasks, each as one process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sigdep.kernel.codec import Codec
from sigdep.kernel.sealed_log import UnsealedLog
from sigdep.rpc.log import log_handler
from sigdep.services.distributed.checks import log_check
from sigdep.services.distributed.peers import Peers
from sigdep.services.distributed.relay import open_relay
from sigdep.services.distributed.replica import Replica
from sigdep.services.distributed.role import Role
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.wiring import open_broker, open_keys, open_leases, open_log, open_views
from sigdep.services.reactor import Reactor
from sigdep.services.wiring import load_secrets
from sigdep.tasks import context as tasks
from sigdep.tasks import contract as tasks_contract
from sigdep.users import context as users
from sigdep.users import contract as users_contract
from sigdep.users.remote import RemoteRoll


@asynccontextmanager
async def tasks_write(settings: ServiceSettings) -> AsyncIterator[Role]:
    async with AsyncExitStack() as stack:
        secrets = load_secrets(settings.secrets_path)
        peers = await stack.enter_async_context(Peers(settings))
        keys = await open_keys(settings, secrets, stack)
        log = await open_log(settings, tasks.EVENTS, keys, stack)
        checkpoints = await open_views(settings, stack)
        roll = RemoteRoll(peers.service(users_contract.WRITE))
        write = tasks.open_write(log=log, members=roll, read=peers.service(tasks_contract.READ))
        broker = open_broker(settings, stack)
        people = UnsealedLog(peers.log("users", broker), Codec(users.EVENTS, keys))
        reactor = Reactor("tasks reactions", people, users.publish, tasks.TasksReactions(write).react, checkpoints)
        replica = Replica(leases=await open_leases(settings, stack))
        replica.react(reactor)
        replica.relay(open_relay("tasks", log.sealed, broker))
        yield Role(
            services={tasks_contract.WRITE: write},
            handlers=(log_handler(log.sealed),),
            jobs=replica.jobs,
            checks={"tasks.log": log_check(log.sealed), **replica.checks},
        )


@asynccontextmanager
async def tasks_read(settings: ServiceSettings) -> AsyncIterator[Role]:
    async with AsyncExitStack() as stack:
        secrets = load_secrets(settings.secrets_path)
        peers = await stack.enter_async_context(Peers(settings))
        keys = await open_keys(settings, secrets, stack)
        views = await open_views(settings, stack)
        codec = Codec(tasks.EVENTS, keys)
        log = UnsealedLog(peers.log("tasks", None), codec)
        followed = UnsealedLog(peers.log("tasks", open_broker(settings, stack)), codec)
        replica = Replica(leases=await open_leases(settings, stack))
        projector = replica.project(followed, views, tasks.read_model())
        yield Role(
            services={tasks_contract.READ: tasks.open_read(log=log, views=views, progress=projector)},
            jobs=replica.jobs,
            checks=replica.checks,
        )
