"""The contexts that there are, and of each what whoever puts a process together must know.

A new context is one more entry here, one file in `services/contexts`, and one in `services/distributed`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sigdep.calendar import context as calendar
from sigdep.calendar import contract as calendar_contract
from sigdep.contracts.ids import WorkspaceId
from sigdep.gateway.agenda import Kind, agenda_routes
from sigdep.gateway.asyncapi import Told
from sigdep.gateway.feed_source import Log
from sigdep.http.routes import Route
from sigdep.kernel.ids import Partition, partition_of
from sigdep.kernel.messages import Event
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.store import EventLog
from sigdep.notifications import context as notifications
from sigdep.notifications import contract as notifications_contract
from sigdep.rpc.call import Service
from sigdep.rpc.contract import ServiceContract
from sigdep.services.published_log import Publish
from sigdep.tasks import context as tasks
from sigdep.tasks import contract as tasks_contract
from sigdep.users import context as users
from sigdep.users import contract as users_contract


@dataclass(frozen=True, kw_only=True)
class Menu:
    """One context, as its `context.py` and its `contract.py` offer it."""

    name: str
    events: Collection[type[Event]]
    read_model: Callable[[], ReadModel]
    publish: Publish
    told: Told
    """The shapes of what it publishes."""
    write: ServiceContract
    read: ServiceContract
    routes: Callable[[Service, Service], Sequence[Route]]
    """Of its writing and its reading side, wherever they run."""
    partition_for: Callable[[WorkspaceId], Partition] = partition_of
    """Where its log keeps what happens in a workspace."""
    agenda: Kind | None = None
    """What its things are called in an agenda. None: it has none that stand in time."""

    def published(self, log: EventLog) -> Log:
        """What the feed shows of its log."""
        return Log(context=self.name, store=log, publish=self.publish, partition_for=self.partition_for)


TASKS: Final = Menu(
    name="tasks",
    events=tasks.EVENTS,
    read_model=tasks.read_model,
    publish=tasks.publish,
    told=tasks.TOLD,
    write=tasks_contract.WRITE,
    read=tasks_contract.READ,
    routes=tasks.routes,
    agenda="task",
)

CALENDAR: Final = Menu(
    name="calendar",
    events=calendar.EVENTS,
    read_model=calendar.read_model,
    publish=calendar.publish,
    told=calendar.TOLD,
    write=calendar_contract.WRITE,
    read=calendar_contract.READ,
    routes=calendar.routes,
    agenda="event",
)

USERS: Final = Menu(
    name="users",
    events=users.EVENTS,
    read_model=users.read_model,
    publish=users.publish,
    told=users.TOLD,
    write=users_contract.WRITE,
    read=users_contract.READ,
    routes=users.routes,
    partition_for=lambda _workspace: partition_of(users.REALM),
)

NOTIFICATIONS: Final = Menu(
    name="notifications",
    events=notifications.EVENTS,
    read_model=notifications.read_model,
    publish=notifications.publish,
    told=notifications.TOLD,
    write=notifications_contract.WRITE,
    read=notifications_contract.READ,
    routes=notifications.routes,
)

MENUS: Final[Mapping[str, Menu]] = {menu.name: menu for menu in (TASKS, CALENDAR, NOTIFICATIONS, USERS)}
"""By name; the busiest first."""


def all_told() -> Told:
    """The shapes of everything that is published."""
    return {name: fact for menu in MENUS.values() for name, fact in menu.told.items()}


def routes_of(contexts: Iterable[tuple[Menu, Service, Service]]) -> Sequence[Route]:
    """What the gateway offers of contexts, each with its writing and its reading side, and of all of them together."""
    opened = list(contexts)
    own = [route for menu, write, read in opened for route in menu.routes(write, read)]
    return [*own, *agenda_routes({menu.agenda: read for menu, _, read in opened if menu.agenda is not None})]
