"""The context of notifications in the process of `sigdep up`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import time_ns
from typing import Final

from sigdep.kernel.channel import Channel
from sigdep.kernel.lease import Holder
from sigdep.notifications import context as notifications
from sigdep.notifications.context import RemindingSide, Source, WebhookSide
from sigdep.notifications.events.inbox import ThingKind
from sigdep.rpc.call import Service
from sigdep.services.channels import push_key, url_objections
from sigdep.services.clock import ProcessClock, zone_edition
from sigdep.services.contexts.house import House, OpenContext
from sigdep.services.jobs import Job
from sigdep.services.menus import CALENDAR, NOTIFICATIONS, TASKS, USERS
from sigdep.services.reactor import Reactor
from sigdep.services.timing import run_timers
from sigdep.writing.members import Members

TOLD_TO_WEBHOOKS: Final = (TASKS, CALENDAR)
"""Whose public events webhooks are told."""


def open_notifications(
    house: House,
    members: Members,
    *,
    tasks: Service,
    calendar: Service,
    users: Service,
    owners: Mapping[ThingKind, OpenContext],
    channels: Mapping[str, Channel],
) -> OpenContext:
    """
    Args:
        members: knows who belongs to a workspace.
        tasks: the writing side of tasks, which knows what they were.
        calendar: the writing side of calendar, which knows what appointments were.
        users: the writing side of users, which knows who has an address.
        owners: the contexts whose things people are reminded of.
        channels: those that are set.
    """
    projector = house.projector(NOTIFICATIONS)
    log = house.log(NOTIFICATIONS)
    read = notifications.open_read(
        log=log, views=house.stores.contexts[NOTIFICATIONS.name].views, progress=projector, push_key=push_key(channels)
    )
    sources = {menu.name: Source(house.published(menu), house.log(menu).heads) for menu in TOLD_TO_WEBHOOKS}
    write = notifications.open_write(
        log=log,
        members=members,
        read=read,
        sources=sources,
        url_objection=url_objections(channels[notifications.WEBHOOK_CHANNEL]),
        key=house.stores.secrets.key_encryption_key,
        alone=True,
    )
    context = house.opened(NOTIFICATIONS, write=write, read=read, projector=projector)
    figures, clock = house.watch.reminders(), ProcessClock()
    side = notifications.open_reminding(
        write,
        read=context.read,
        owners={kind: owner.read for kind, owner in owners.items()},
        users=users,
        channels=channels,
        clock=clock,
        zones=zone_edition(),
        url=house.issuer,
        holder=Holder("up", "up", time_ns()),
        figures=figures,
    )
    webhooks = notifications.open_webhooks(
        write,
        read=context.read,
        sources=sources,
        channel=channels[notifications.WEBHOOK_CHANNEL],
        clock=clock,
        figures=figures,
        kept_days=house.settings.webhook_record_days,
    )
    figures.look_at(side.scheduler, {**side.senders, notifications.WEBHOOK_CHANNEL: webhooks.sender})
    chores: dict[str, Job] = {
        "notification timers": partial(run_timers, notifications.Timers(context.write, context.read)),
        **webhooks.jobs,
        **{work.name: work.run for work in side.works},
    }
    reactors = (
        *_telling(house, context.write, tasks=tasks, calendar=calendar, users=users),
        *_reminding(house, side, owners),
        *_webhooks(house, webhooks),
    )
    return replace(context, reactors=reactors, chores=chores)


def _telling(house: House, write: Service, *, tasks: Service, calendar: Service, users: Service) -> Sequence[Reactor]:
    """What tells people of what others do."""
    return (
        house.reactor(NOTIFICATIONS, USERS, notifications.UsersReactions(write)),
        house.reactor(NOTIFICATIONS, CALENDAR, notifications.CalendarReactions(write, calendar=calendar)),
        house.reactor(NOTIFICATIONS, TASKS, notifications.TasksReactions(write, tasks=tasks, users=users)),
    )


def _reminding(house: House, side: RemindingSide, owners: Mapping[ThingKind, OpenContext]) -> Iterator[Reactor]:
    for kind, reactions in side.reactions.items():
        menu = owners[kind].menu
        yield house.reactor(NOTIFICATIONS, menu, reactions, name=f"reminders of {menu.name}")


def _webhooks(house: House, side: WebhookSide) -> Iterator[Reactor]:
    for menu in TOLD_TO_WEBHOOKS:
        yield house.reactor(NOTIFICATIONS, menu, side.reactions, name=f"webhooks that hear {menu.name}")
