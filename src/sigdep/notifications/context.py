"""The menu of this context: everything that it offers, and what opens it.

Routes and the reading side are loaded by whoever opens them: a process that only writes starts sooner without.
"""

from collections.abc import Collection, Sequence
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
from sigdep.notifications.events import EVENTS
from sigdep.notifications.publishing import TOLD, publish
from sigdep.notifications.reactions import CalendarReactions, TasksReactions, UsersReactions
from sigdep.notifications.timers import Timers
from sigdep.notifications.write_service import NotificationsWrite
from sigdep.notifications.writing.attempt import Members
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
    "TasksReactions",
    "Timers",
    "UsersReactions",
    "open_read",
    "open_write",
    "publish",
    "read_model",
    "routes",
]

DECIDERS: Final[Collection[Decider[Any, Any]]] = (NOTIFICATION, DELIVERY, PREFERENCES, DEVICES, WORKSPACE, PERSON)


def read_model() -> "NotificationsReadModel":
    from sigdep.notifications.read_models.model import NotificationsReadModel  # noqa: PLC0415

    return NotificationsReadModel()


def open_write(*, log: EventStore, members: Members, read: Service, alone: bool) -> NotificationsWrite:
    """The writing side.

    Args:
        members: knows who belongs to a workspace.
        read: the reading side, in whichever process.
        alone: no other process writes to this log.
    """
    return NotificationsWrite(log, members=members, read=read, alone=alone)


def open_read(*, log: EventLog, views: ReadStore, progress: "Progress") -> "NotificationsRead":
    """The reading side.

    Args:
        log: as the writing side offers it.
        progress: the projector of this context's read model.
    """
    from sigdep.notifications.read_service.service import NotificationsRead  # noqa: PLC0415

    return NotificationsRead(views, log, progress)


def routes(write: Service, read: Service) -> Sequence[Route]:
    """What the gateway offers of this context, wherever its services run."""
    from sigdep.notifications.read_api import notification_read_routes  # noqa: PLC0415
    from sigdep.notifications.write_api import notification_write_routes  # noqa: PLC0415

    return (*notification_read_routes(read), *notification_write_routes(write))
