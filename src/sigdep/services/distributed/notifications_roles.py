"""The services of the context of notifications, each as one process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

from sigdep.contracts.public_log import PublicLog
from sigdep.kernel.codec import Codec
from sigdep.kernel.sealed_log import UnsealedLog
from sigdep.notifications import context as notifications
from sigdep.notifications import contract as notifications_contract
from sigdep.notifications.context import Source, WebhookCatchUp, WebhookReactions, WebhookSender, run_catch_up
from sigdep.notifications.events.inbox import ThingKind
from sigdep.rpc.log import log_handler
from sigdep.rpc.public_log import public_log_handler
from sigdep.services.channels import open_channels, push_key, url_objections
from sigdep.services.clock import zone_edition
from sigdep.services.distributed.checks import log_check
from sigdep.services.distributed.members import PEOPLE, RemoteMembers
from sigdep.services.distributed.peers import Peers
from sigdep.services.distributed.relay import open_relay
from sigdep.services.distributed.replica import Replica, this_process
from sigdep.services.distributed.role import Role
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.things import CALENDAR, REMINDERS_OF_APPOINTMENTS, REMINDERS_OF_TASKS, TASKS
from sigdep.services.distributed.wiring import (
    DATABASE,
    broker_system,
    open_broker,
    open_clock,
    open_log,
    open_passports,
    open_stores,
)
from sigdep.services.observing.lag import FollowedLog
from sigdep.services.observing.watch import Watch
from sigdep.services.published_log import PublishedLog
from sigdep.services.reactor import Reactions, Reactor
from sigdep.services.server_secrets import load_key_encryption_key
from sigdep.services.shared_public_log import SharedPublicLog
from sigdep.services.timing import run_timers

TOLD_TO_WEBHOOKS: Final = ("tasks", "calendar")
"""Contexts whose public events webhooks are told."""

OWNERS: Final[Mapping[ThingKind, str]] = {"task": "tasks", "appointment": "calendar"}
"""The contexts whose things people are reminded of."""


@asynccontextmanager
async def notifications_write(settings: ServiceSettings, watch: Watch) -> AsyncIterator[Role]:
    async with AsyncExitStack() as stack:
        passports = open_passports(settings, notifications_contract.WRITE.name)
        peers = await stack.enter_async_context(Peers(settings, passports, watch))
        secret = load_key_encryption_key(settings.secrets_path)
        keys, views, leases = await open_stores(settings, secret, stack)
        log = await open_log(settings, notifications.EVENTS, keys, stack)
        people, read = peers.service(PEOPLE), peers.service(notifications_contract.READ)
        channels = open_channels(settings, settings.secrets_path, stack)
        webhooks = channels["webhook"]
        # Several listen to these: they are followed once for all of them.
        heard: dict[str, PublicLog] = {name: SharedPublicLog(peers.public_log(name)) for name in TOLD_TO_WEBHOOKS}
        sources = {name: Source(heard[name], peers.log(name, None).heads) for name in TOLD_TO_WEBHOOKS}
        write = notifications.open_write(
            log=watch.store("notifications", log, system=DATABASE),
            members=RemoteMembers(people),
            read=read,
            sources=sources,
            url_objection=url_objections(webhooks),
            key=secret,
            alone=False,
        )
        broker = open_broker(settings, watch, stack)
        replica = Replica(leases=leases, holder=this_process(settings.instance), watch=watch)

        def react(name: str, to: str, reactions: Reactions) -> None:
            # How far the other context's log goes may be known here, and nothing else of it.
            followed = FollowedLog(heads=peers.log(to, None).heads, oldest=None)
            told = heard.get(to) or peers.public_log(to)
            replica.react(Reactor(name, told, watch.reactions(name, reactions), views), followed)

        figures, clock = watch.reminders(), await open_clock(settings, stack)
        side = notifications.open_reminding(
            write,
            read=read,
            owners={
                "task": peers.service(REMINDERS_OF_TASKS),
                "appointment": peers.service(REMINDERS_OF_APPOINTMENTS),
            },
            users=people,
            channels=channels,
            clock=clock,
            zones=zone_edition(),
            url=settings.public_url,
            holder=replica.holder,
            figures=figures,
        )
        figures.look_at(side.scheduler, side.senders)
        react("notifications reactions", "users", notifications.UsersReactions(write))
        tasks = notifications.TasksReactions(write, tasks=peers.service(TASKS), users=people)
        react("notifications reactions to tasks", "tasks", tasks)
        appointments = notifications.CalendarReactions(write, calendar=peers.service(CALENDAR))
        react("notifications reactions to calendar", "calendar", appointments)
        for name in TOLD_TO_WEBHOOKS:
            react(f"webhooks that hear {name}", name, WebhookReactions(write.webhook_work, clock))
        for kind, reactions in side.reactions.items():
            react(f"reminders of {OWNERS[kind]}", OWNERS[kind], reactions)
        for work in side.works:
            replica.alone(work.name, work.run)
        replica.relay(open_relay("notifications", log.sealed, broker))
        replica.alone("notification timers", partial(run_timers, notifications.Timers(write, read)))
        replica.alone("webhook deliveries", WebhookSender(write.webhook_work, read, webhooks, clock).run)
        catch_up = WebhookCatchUp(write.webhook_work, read, sources, clock)
        replica.alone("webhooks that catch up", partial(run_catch_up, catch_up, clock))
        yield Role(
            passports=passports,
            services={notifications_contract.WRITE: write},
            handlers=(
                log_handler(log.sealed, passports.gate(notifications_contract.WRITE.name)),
                public_log_handler(
                    PublishedLog(log, notifications.publish), passports.gate(notifications_contract.WRITE.name)
                ),
            ),
            jobs=replica.jobs,
            checks={"notifications.log": log_check(log.sealed), **replica.checks},
        )


@asynccontextmanager
async def notifications_read(settings: ServiceSettings, watch: Watch) -> AsyncIterator[Role]:
    async with AsyncExitStack() as stack:
        passports = open_passports(settings, notifications_contract.READ.name)
        peers = await stack.enter_async_context(Peers(settings, passports, watch))
        keys, views, leases = await open_stores(settings, load_key_encryption_key(settings.secrets_path), stack)
        codec = Codec(notifications.EVENTS, keys)
        log = UnsealedLog(peers.log("notifications", None), codec)
        followed = watch.followed(
            "notifications",
            "notifications projector",
            UnsealedLog(peers.log("notifications", open_broker(settings, watch, stack)), codec),
            system=broker_system(settings),
        )
        replica = Replica(leases=leases, holder=this_process(settings.instance), watch=watch)
        projector = replica.project(followed, views, notifications.read_model())
        channels = open_channels(settings, settings.secrets_path, stack)
        read = notifications.open_read(log=log, views=views, progress=projector, push_key=push_key(channels))
        yield Role(
            passports=passports,
            services={notifications_contract.READ: read},
            jobs=replica.jobs,
            checks=replica.checks,
        )
