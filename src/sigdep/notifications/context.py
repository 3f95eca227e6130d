"""The menu of this context: everything that it offers, and what opens it.

Routes and the reading side are loaded by whoever opens them: a process that only writes starts sooner without.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from sigdep.http.routes import Route
from sigdep.kernel.channel import Channel as Way
from sigdep.kernel.clock import Clock
from sigdep.kernel.decider import Decider
from sigdep.kernel.lease import Holder
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.store import EventLog, EventStore
from sigdep.notifications.domain.delivery import DELIVERY
from sigdep.notifications.domain.devices import DEVICES
from sigdep.notifications.domain.notification import NOTIFICATION
from sigdep.notifications.domain.oblivion import PERSON, WORKSPACE
from sigdep.notifications.domain.preferences import PREFERENCES
from sigdep.notifications.domain.reminder_decisions import REMINDER
from sigdep.notifications.domain.retrying import PAUSES
from sigdep.notifications.domain.schedule import SCHEDULE
from sigdep.notifications.domain.webhook_decisions import WEBHOOK
from sigdep.notifications.domain.webhook_delivery import WEBHOOK_DELIVERY
from sigdep.notifications.domain.webhook_list import WEBHOOK_LIST
from sigdep.notifications.domain.webhook_records import WEBHOOK_RECORDS
from sigdep.notifications.events.inbox import ThingKind
from sigdep.notifications.events.stored import EVENTS
from sigdep.notifications.publishing import TOLD, publish
from sigdep.notifications.reactions import CalendarReactions, TasksReactions, UsersReactions
from sigdep.notifications.reminding import CALENDAR, TASKS, ReminderReactions
from sigdep.notifications.timers import Timers
from sigdep.notifications.webhooks.sender import CHANNEL as WEBHOOK_CHANNEL
from sigdep.notifications.webhooks.sender import WebhookFigures
from sigdep.notifications.webhooks.side import WebhookSide, open_webhooks
from sigdep.notifications.write_service import NotificationsWrite
from sigdep.notifications.writing.due_work import DueWork
from sigdep.notifications.writing.hearing import Source
from sigdep.notifications.writing.horizon import Horizon
from sigdep.notifications.writing.leads import Leads
from sigdep.notifications.writing.messages import Messages
from sigdep.notifications.writing.nearing import Nearing
from sigdep.notifications.writing.owners import Owners
from sigdep.notifications.writing.reminding import ReminderFigures, Reminding
from sigdep.notifications.writing.scheduler import ReminderScheduler
from sigdep.notifications.writing.sender import Sender
from sigdep.notifications.writing.targets import TargetsOfPeople
from sigdep.notifications.writing.unsubscribing import UnsubscribeTokens
from sigdep.notifications.writing.webhooks import UrlObjection
from sigdep.rpc.call import Service
from sigdep.writing.members import Members

if TYPE_CHECKING:
    from sigdep.notifications.read_models.model import NotificationsReadModel
    from sigdep.notifications.read_service.service import NotificationsRead
    from sigdep.reading.progress import Progress

__all__ = [
    "DECIDERS",
    "EVENTS",
    "TOLD",
    "WEBHOOK_CHANNEL",
    "CalendarReactions",
    "Figures",
    "NotificationsWrite",
    "RemindingSide",
    "Source",
    "TasksReactions",
    "Timers",
    "UrlObjection",
    "UsersReactions",
    "WebhookSide",
    "open_read",
    "open_reminding",
    "open_webhooks",
    "open_write",
    "publish",
    "read_model",
    "routes",
]

DECIDERS: Final[Collection[Decider[Any, Any]]] = (
    NOTIFICATION,
    DELIVERY,
    REMINDER,
    SCHEDULE,
    PREFERENCES,
    DEVICES,
    WORKSPACE,
    PERSON,
    WEBHOOK,
    WEBHOOK_LIST,
    WEBHOOK_DELIVERY,
    WEBHOOK_RECORDS,
)


def read_model() -> "NotificationsReadModel":
    from sigdep.notifications.read_models.model import NotificationsReadModel  # noqa: PLC0415

    return NotificationsReadModel()


def open_write(
    *,
    log: EventStore,
    members: Members,
    read: Service,
    sources: Mapping[str, Source],
    url_objection: UrlObjection,
    key: bytes,
    alone: bool,
) -> NotificationsWrite:
    """The writing side.

    Args:
        members: knows who belongs to a workspace.
        read: the reading side, in whichever process.
        sources: by context: what webhooks are told.
        url_objection: says what is wrong with the address of a webhook.
        key: of the server, for what is derived and never stored. Another one makes links in old e-mails stale.
        alone: no other process writes to this log.
    """
    return NotificationsWrite(
        log,
        members=members,
        read=read,
        sources=sources,
        url_objection=url_objection,
        tokens=UnsubscribeTokens(key),
        alone=alone,
    )


class Figures(ReminderFigures, WebhookFigures, Protocol):
    """Whoever counts."""


@dataclass(frozen=True, kw_only=True)
class RemindingSide:
    """What reminds people and sends what is to go out, beside the writing side."""

    reactions: Mapping[ThingKind, ReminderReactions]
    """To what the owners of these things publish."""
    scheduler: DueWork
    horizon: DueWork
    due_soon: Sequence[DueWork]
    """Of tasks that say nothing of reminders."""
    senders: Mapping[str, DueWork]
    """By their channels."""

    @property
    def works(self) -> Sequence[DueWork]:
        """To be run, each in one process at a time; in several for a moment does no harm."""
        return (self.scheduler, self.horizon, *self.due_soon, *self.senders.values())


def open_reminding(
    write: NotificationsWrite,
    *,
    read: Service,
    owners: Mapping[ThingKind, Service],
    users: Service,
    channels: Mapping[str, Way],
    clock: Clock,
    zones: str,
    url: str,
    holder: Holder,
    figures: Figures,
) -> RemindingSide:
    """
    Args:
        read: the reading side of this context.
        owners: the reading sides of the contexts whose things people are reminded of.
        users: knows where people can be reached.
        channels: those that are set. Others are left to whoever starts with them.
        zones: the edition of the time-zone data.
        url: of this server, as people know it.
        holder: this process.
    """
    around, executor = write.around, write.executor
    reminding = Reminding(around, executor, owners=Owners(owners), clock=clock, zones=zones, figures=figures)
    targets = TargetsOfPeople(around, users=users, write=write)
    messages = Messages(read, url, write.tokens)
    senders: dict[str, DueWork] = {
        channel: Sender(
            channel,
            channels[channel],
            around,
            executor,
            read=read,
            targets=targets,
            messages=messages,
            clock=clock,
            holder=holder,
            figures=figures,
        ).work
        for channel in PAUSES
        if channel in channels
    }
    return RemindingSide(
        reactions={
            kind: ReminderReactions(prefix, reminding, clock) for kind, prefix in _PREFIXES.items() if kind in owners
        },
        scheduler=ReminderScheduler(reminding, read, clock, senders.values()).work,
        horizon=Horizon(reminding, read, clock).work,
        due_soon=(
            Nearing(reminding, tasks=owners["task"], read=read, clock=clock).work,
            Leads(reminding, read, clock).work,
        ),
        senders=senders,
    )


_PREFIXES: Final[Mapping[ThingKind, str]] = {"task": TASKS, "appointment": CALENDAR}


def open_read(
    *, log: EventLog, views: ReadStore, progress: "Progress", push_key: Callable[[], str]
) -> "NotificationsRead":
    """The reading side.

    Args:
        log: as the writing side offers it.
        progress: the projector of this context's read model.
        push_key: by what browsers know this server. Empty: nothing is pushed to them.
    """
    from sigdep.notifications.read_service.service import NotificationsRead  # noqa: PLC0415

    return NotificationsRead(views, log, progress, push_key)


def routes(write: Service, read: Service) -> Sequence[Route]:
    """What the gateway offers of this context, wherever its services run."""
    from sigdep.notifications.read_api import notification_read_routes  # noqa: PLC0415
    from sigdep.notifications.read_api.reminders import reminder_read_routes  # noqa: PLC0415
    from sigdep.notifications.write_api import notification_write_routes  # noqa: PLC0415

    return (*notification_read_routes(read), *reminder_read_routes(read), *notification_write_routes(write))
