"""The menu of this context: everything that it offers, and what opens it.

Routes and the reading side are loaded by whoever opens them: a process that only writes starts sooner without.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sigdep.http.routes import Route
from sigdep.kernel.decider import Decider
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.store import EventLog, EventStore
from sigdep.notifications.domain.delivery import DELIVERY
from sigdep.notifications.domain.devices import DEVICES
from sigdep.notifications.domain.notification import NOTIFICATION
from sigdep.notifications.domain.oblivion import PERSON, WORKSPACE
from sigdep.notifications.domain.preferences import PREFERENCES
from sigdep.notifications.domain.webhook import WEBHOOK
from sigdep.notifications.domain.webhook_delivery import WEBHOOK_DELIVERY
from sigdep.notifications.domain.webhook_list import WEBHOOK_LIST
from sigdep.notifications.events import EVENTS
from sigdep.notifications.publishing import TOLD, publish
from sigdep.notifications.reactions import CalendarReactions, TasksReactions, UsersReactions
from sigdep.notifications.timers import Timers
from sigdep.notifications.webhooks import WebhookCatchUp, WebhookReactions, WebhookSender, run_catch_up
from sigdep.notifications.write_service import NotificationsWrite
from sigdep.notifications.writing.attempt import Members
from sigdep.notifications.writing.hearing import Source
from sigdep.notifications.writing.webhooks import UrlObjection
from sigdep.rpc.call import Service

if TYPE_CHECKING:
    from sigdep.notifications.read_models.model import NotificationsReadModel
    from sigdep.notifications.read_service.progress import Progress
    from sigdep.notifications.read_service.service import NotificationsRead

__all__ = [
    "DECIDERS",
    "EVENTS",
    "TOLD",
    "CalendarReactions",
    "Source",
    "TasksReactions",
    "Timers",
    "UrlObjection",
    "UsersReactions",
    "WebhookCatchUp",
    "WebhookReactions",
    "WebhookSender",
    "open_read",
    "open_write",
    "publish",
    "read_model",
    "routes",
    "run_catch_up",
]

DECIDERS: Final[Collection[Decider[Any, Any]]] = (
    NOTIFICATION,
    DELIVERY,
    PREFERENCES,
    DEVICES,
    WORKSPACE,
    PERSON,
    WEBHOOK,
    WEBHOOK_LIST,
    WEBHOOK_DELIVERY,
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
    alone: bool,
) -> NotificationsWrite:
    """The writing side.

    Args:
        members: knows who belongs to a workspace.
        read: the reading side, in whichever process.
        sources: by context: what webhooks are told.
        url_objection: says what is wrong with the address of a webhook.
        alone: no other process writes to this log.
    """
    return NotificationsWrite(
        log, members=members, read=read, sources=sources, url_objection=url_objection, alone=alone
    )


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
    from sigdep.notifications.write_api import notification_write_routes  # noqa: PLC0415

    return (*notification_read_routes(read), *notification_write_routes(write))
