"""The services of the context of tasks, each as one process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sigdep.kernel.codec import Codec
from sigdep.kernel.sealed_log import UnsealedLog
from sigdep.rpc.log import log_handler
from sigdep.rpc.public_log import public_log_handler
from sigdep.services.distributed.broker_wiring import broker_system, open_broker
from sigdep.services.distributed.checks import log_check
from sigdep.services.distributed.members import MEMBERSHIP, RemoteMembers
from sigdep.services.distributed.peers import Peers
from sigdep.services.distributed.redis_wiring import open_hot_views
from sigdep.services.distributed.relay import open_relay
from sigdep.services.distributed.replica import Replica, this_process
from sigdep.services.distributed.role import Role
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.wiring import DATABASE, open_log, open_passports, open_search, open_stores
from sigdep.services.indexed_views import IndexedViews
from sigdep.services.observing.lag import FollowedLog
from sigdep.services.observing.watch import Watch
from sigdep.services.outcome_figures import HOT_LISTS, SEARCHES, OutcomeFigures
from sigdep.services.published_log import PublishedLog
from sigdep.services.reactor import Reactor
from sigdep.services.server_secrets import load_key_encryption_key
from sigdep.services.warmed_views import WarmedViews
from sigdep.tasks import context as tasks
from sigdep.tasks import contract as tasks_contract


@asynccontextmanager
async def tasks_write(settings: ServiceSettings, watch: Watch) -> AsyncIterator[Role]:
    async with AsyncExitStack() as stack:
        passports = open_passports(settings, tasks_contract.WRITE.name)
        peers = await stack.enter_async_context(Peers(settings, passports, watch))
        keys, views, leases = await open_stores(settings, load_key_encryption_key(settings.secrets_path), stack)
        log = await open_log(settings, tasks.EVENTS, keys, stack)
        members = RemoteMembers(peers.service(MEMBERSHIP))
        store = watch.store("tasks", log, system=DATABASE)
        write = tasks.open_write(log=store, members=members, read=peers.service(tasks_contract.READ))
        broker = open_broker(settings, watch, stack)
        reactions = watch.reactions("tasks reactions", tasks.TasksReactions(write))
        replica = Replica(leases=leases, holder=this_process(settings.instance), watch=watch)
        # How far the other context's log goes may be known here, and nothing else of it.
        people = FollowedLog(heads=peers.log("users", None).heads, oldest=None)
        told = peers.public_log("users")
        replica.react(Reactor("tasks reactions", told, reactions, views, heads=people.heads), people)
        replica.relay(open_relay("tasks", log.sealed, broker, passports))
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
async def tasks_read(settings: ServiceSettings, watch: Watch) -> AsyncIterator[Role]:
    async with AsyncExitStack() as stack:
        passports = open_passports(settings, tasks_contract.READ.name)
        peers = await stack.enter_async_context(Peers(settings, passports, watch))
        keys, views, leases = await open_stores(settings, load_key_encryption_key(settings.secrets_path), stack)
        codec = Codec(tasks.EVENTS, keys)
        log = UnsealedLog(peers.log("tasks", None), codec)
        followed = watch.followed(
            "tasks",
            "tasks projector",
            UnsealedLog(peers.log("tasks", open_broker(settings, watch, stack)), codec),
            system=broker_system(settings),
        )
        replica = Replica(leases=leases, holder=this_process(settings.instance), watch=watch)
        hot, lists = open_hot_views(settings, stack), None
        projected = views if hot is None else WarmedViews(views, hot.written, tasks.hot_changes)
        projector = replica.project(followed, projected, tasks.read_model())
        if hot is not None:
            lists = tasks.open_hot_lists(hot.read, views)
            replica.jobs["hot views"] = lists.run
            watch.figures.add(OutcomeFigures(HOT_LISTS, lists.outcomes))
        search = None
        if (index := open_search(settings, stack)) is not None:
            texts = tasks.texts()
            (table,) = texts.tables
            search = tasks.open_search(index, replica.index(followed, IndexedViews(views, index, table), texts))
            watch.figures.add(OutcomeFigures(SEARCHES, search.outcomes))
        read = tasks.open_read(log=log, views=views, progress=projector, search=search, hot=lists)
        yield Role(
            passports=passports,
            services={tasks_contract.READ: read},
            jobs=replica.jobs,
            checks=replica.checks,
        )
