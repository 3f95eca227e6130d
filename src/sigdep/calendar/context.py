"""The menu of this context: everything that it offers, and what opens it.

Routes and the reading side are loaded by whoever opens them: a process that only writes starts sooner without.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sigdep.calendar.domain.appointment_decisions import APPOINTMENT
from sigdep.calendar.domain.calendar import CALENDAR
from sigdep.calendar.domain.departure import DEPARTURE
from sigdep.calendar.domain.feed import FEED
from sigdep.calendar.domain.known_uid import KNOWN_UID
from sigdep.calendar.domain.workspace import WORKSPACE
from sigdep.calendar.events.stored import EVENTS
from sigdep.calendar.publishing import TOLD, publish
from sigdep.calendar.reactions import CalendarReactions
from sigdep.calendar.write_service import CalendarWrite
from sigdep.http.routes import Route
from sigdep.kernel.decider import Decider
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.store import EventLog, EventStore
from sigdep.rpc.call import Service
from sigdep.writing.members import Members

if TYPE_CHECKING:
    from sigdep.calendar.read_models.model import CalendarReadModel
    from sigdep.calendar.read_service.service import CalendarRead
    from sigdep.reading.progress import Progress

__all__ = [
    "DECIDERS",
    "EVENTS",
    "TOLD",
    "CalendarContext",
    "CalendarReactions",
    "open_calendar",
    "open_read",
    "open_write",
    "publish",
    "read_model",
    "routes",
]

DECIDERS: Final[Collection[Decider[Any, Any]]] = (CALENDAR, FEED, APPOINTMENT, DEPARTURE, KNOWN_UID, WORKSPACE)


def read_model() -> "CalendarReadModel":
    from sigdep.calendar.read_models.model import CalendarReadModel  # noqa: PLC0415

    return CalendarReadModel()


@dataclass(frozen=True, kw_only=True)
class CalendarContext:
    """The context at work."""

    write: CalendarWrite
    read: "CalendarRead"


def open_calendar(
    *, log: EventStore, views: ReadStore, progress: "Progress", members: Members, alone: bool
) -> CalendarContext:
    """Both sides in one process.

    Args:
        progress: the projector of this context's read model.
        members: knows who belongs to a workspace.
        alone: no other process writes to this log.
    """
    write = CalendarWrite(log, members=members, alone=alone)
    return CalendarContext(write=write, read=open_read(log=log, views=views, progress=progress))


def open_write(*, log: EventStore, members: Members) -> CalendarWrite:
    """The writing side by itself, one process of several."""
    return CalendarWrite(log, members=members, alone=False)


def open_read(*, log: EventLog, views: ReadStore, progress: "Progress") -> "CalendarRead":
    """The reading side by itself.

    Args:
        log: as the writing side offers it.
        progress: the projector of this context's read model.
    """
    from sigdep.calendar.read_service.service import CalendarRead  # noqa: PLC0415

    return CalendarRead(views, log, progress)


def routes(write: Service, read: Service) -> Sequence[Route]:
    """What the gateway offers of this context, wherever its services run."""
    from sigdep.calendar.read_api import routes as read_routes  # noqa: PLC0415
    from sigdep.calendar.write_api.calendars import calendar_write_routes  # noqa: PLC0415
    from sigdep.calendar.write_api.events import event_write_routes  # noqa: PLC0415
    from sigdep.calendar.write_api.texts import text_write_routes  # noqa: PLC0415

    return (*event_write_routes(write), *read_routes(read), *calendar_write_routes(write), *text_write_routes(write))
