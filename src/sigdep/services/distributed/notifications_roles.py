"""The services of the context of notifications, each as one process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from sigdep.contracts.public_log import PublicLog
from sigdep.kernel.broker import Broker
from sigdep.kernel.channel import Channel
from sigdep.kernel.clock import Clock
from sigdep.kernel.codec import Codec
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.sealed_log import SealedLog, UnsealedLog
from sigdep.kernel.store import EventStore
from sigdep.notifications import context as notifications
from sigdep.notifications import contract as notifications_contract
from sigdep.notifications.context import Figures, NotificationsWrite, RemindingSide, Source, WebhookSide
from sigdep.notifications.events.inbox import ThingKind
from sigdep.rpc.call import Service
from sigdep.rpc.log import log_handler
from sigdep.rpc.passports import Passports
from sigdep.rpc.public_log import public_log_handler
from sigdep.services.channels import open_channels, push_key, url_objections
from sigdep.services.clock import zone_edition
from sigdep.services.distributed.broker_wiring import broker_system, open_broker
from sigdep.services.distributed.checks import log_check
from sigdep.services.distributed.members import PEOPLE, RemoteMembers
from sigdep.services.distributed.peers import Peers
from sigdep.services.distributed.relay import open_relay
from sigdep.services.distributed.replica import Replica, this_process
from sigdep.services.distributed.role import Role
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.things import CALENDAR, REMINDERS_OF_APPOINTMENTS, REMINDERS_OF_TASKS, TASKS
from sigdep.services.distributed.wiring import DATABASE, open_clock, open_log, open_passports, open_stores
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
        house = await _open_house(settings, watch, stack)
        write = _open_write(house)
        figures = watch.reminders()
        reminding, webhooks = _open_reminding(house, write, figures), _open_webhooks(house, write, figures)
        figures.look_at(reminding.scheduler, {**reminding.senders, notifications.WEBHOOK_CHANNEL: webhooks.sender})
        _react(house, write, reminding, webhooks)
        replica, rows, gate = house.replica, house.rows, house.passports.gate(notifications_contract.WRITE.name)
        for work in reminding.works:
            replica.alone(work.name, work.run)
        for name, job in webhooks.jobs.items():
            replica.alone(name, job)
        replica.alone("notification timers", partial(run_timers, notifications.Timers(write, house.read)))
        replica.relay(open_relay("notifications", rows, house.broker, house.passports))
        yield Role(
            passports=house.passports,
            services={notifications_contract.WRITE: write},
            handlers=(
                log_handler(rows, gate),
                public_log_handler(PublishedLog(house.log, notifications.publish), gate),
            ),
            jobs=replica.jobs,
            checks={"notifications.log": log_check(rows), **replica.checks},
        )


@dataclass(frozen=True, kw_only=True)
class _House:
    """The process of the writing side, as its parts find it."""

    settings: ServiceSettings
    watch: Watch
    passports: Passports
    peers: Peers
    key: bytes
    views: ReadStore
    log: EventStore
    rows: SealedLog
    """The same log, as it is stored."""
    channels: Mapping[str, Channel]
    broker: Broker | None
    clock: Clock
    replica: Replica
    heard: Mapping[str, PublicLog]
    """By context. Several listen to these: they are followed once for all of them."""

    @property
    def people(self) -> Service:
        return self.peers.service(PEOPLE)

    @property
    def read(self) -> Service:
        """The reading side of this context."""
        return self.peers.service(notifications_contract.READ)

    @property
    def sources(self) -> Mapping[str, Source]:
        return {name: Source(log, self.peers.log(name, None).heads) for name, log in self.heard.items()}

    def react(self, name: str, to: str, reactions: Reactions) -> None:
        # How far the other context's log goes may be known here, and nothing else of it.
        followed = FollowedLog(heads=self.peers.log(to, None).heads, oldest=None)
        told = self.heard.get(to) or self.peers.public_log(to)
        reactions = self.watch.reactions(name, reactions)
        self.replica.react(Reactor(name, told, reactions, self.views, heads=followed.heads), followed)


async def _open_house(settings: ServiceSettings, watch: Watch, stack: AsyncExitStack) -> _House:
    """
    Args:
        stack: closes it, what was opened last first.
    """
    passports = open_passports(settings, notifications_contract.WRITE.name)
    peers = await stack.enter_async_context(Peers(settings, passports, watch))
    key = load_key_encryption_key(settings.secrets_path)
    keys, views, leases = await open_stores(settings, key, stack)
    log = await open_log(settings, notifications.EVENTS, keys, stack)
    return _House(
        settings=settings,
        watch=watch,
        passports=passports,
        peers=peers,
        key=key,
        views=views,
        log=log,
        rows=log.sealed,
        channels=open_channels(settings, settings.secrets_path, stack),
        broker=open_broker(settings, watch, stack),
        clock=await open_clock(settings, stack),
        replica=Replica(leases=leases, holder=this_process(settings.instance), watch=watch),
        heard={name: SharedPublicLog(peers.public_log(name)) for name in TOLD_TO_WEBHOOKS},
    )


def _open_write(house: _House) -> NotificationsWrite:
    return notifications.open_write(
        log=house.watch.store("notifications", house.log, system=DATABASE),
        members=RemoteMembers(house.people),
        read=house.read,
        sources=house.sources,
        url_objection=url_objections(house.channels[notifications.WEBHOOK_CHANNEL]),
        key=house.key,
        alone=False,
    )


def _open_reminding(house: _House, write: NotificationsWrite, figures: Figures) -> RemindingSide:
    return notifications.open_reminding(
        write,
        read=house.read,
        owners={
            "task": house.peers.service(REMINDERS_OF_TASKS),
            "appointment": house.peers.service(REMINDERS_OF_APPOINTMENTS),
        },
        users=house.people,
        channels=house.channels,
        clock=house.clock,
        zones=zone_edition(),
        url=house.settings.public_url,
        holder=house.replica.holder,
        figures=figures,
    )


def _open_webhooks(house: _House, write: NotificationsWrite, figures: Figures) -> WebhookSide:
    return notifications.open_webhooks(
        write,
        read=house.read,
        sources=house.sources,
        channel=house.channels[notifications.WEBHOOK_CHANNEL],
        clock=house.clock,
        figures=figures,
        kept_days=house.settings.webhook_record_days,
    )


def _react(house: _House, write: NotificationsWrite, reminding: RemindingSide, webhooks: WebhookSide) -> None:
    """To what the other contexts publish. How far each has come is kept under its name: that stays."""
    tasks, calendar = house.peers.service(TASKS), house.peers.service(CALENDAR)
    house.react("notifications reactions", "users", notifications.UsersReactions(write))
    house.react(
        "notifications reactions to tasks",
        "tasks",
        notifications.TasksReactions(write, tasks=tasks, users=house.people),
    )
    house.react(
        "notifications reactions to calendar", "calendar", notifications.CalendarReactions(write, calendar=calendar)
    )
    for name in TOLD_TO_WEBHOOKS:
        house.react(f"webhooks that hear {name}", name, webhooks.reactions)
    for kind, reactions in reminding.reactions.items():
        house.react(f"reminders of {OWNERS[kind]}", OWNERS[kind], reactions)


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
