"""Puts the contexts of one process together: their services, routes, projectors and jobs."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from sigdep.gateway.feed_source import Log
from sigdep.http.identity import Identities
from sigdep.http.routes import Route
from sigdep.kernel.store import EventStore
from sigdep.services.channels import open_channels
from sigdep.services.contexts.calendar import open_calendar
from sigdep.services.contexts.house import House, OpenContext
from sigdep.services.contexts.notifications import open_notifications
from sigdep.services.contexts.tasks import open_tasks
from sigdep.services.contexts.users import open_users
from sigdep.services.data_folder import DataFolder
from sigdep.services.jobs import Job
from sigdep.services.menus import routes_of
from sigdep.services.projector import Projector
from sigdep.services.reactor import Reactor

CATCH_UP_SECONDS: Final = 0.005


@dataclass(frozen=True, kw_only=True)
class Contexts:
    """Everything that answers, and everything that must run beside it."""

    opened: Sequence[OpenContext]
    identities: Identities
    logs: Mapping[str, EventStore]

    @property
    def routes(self) -> Sequence[Route]:
        return routes_of((context.menu, context.write, context.read) for context in self.opened)

    @property
    def published(self) -> Sequence[Log]:
        """What the feed shows."""
        return [context.menu.published(self.logs[context.menu.name]) for context in self.opened]

    @property
    def projectors(self) -> Sequence[Projector]:
        return [context.projector for context in self.opened]

    @property
    def reactors(self) -> Sequence[Reactor]:
        return [reactor for context in self.opened for reactor in context.reactors]

    @property
    def chores(self) -> Mapping[str, Job]:
        """Jobs for which the read models must be there."""
        return {name: job for context in self.opened for name, job in context.chores.items()}

    def followers(self) -> Sequence[tuple[str, Job]]:
        """The jobs that follow the logs."""
        projectors = [(f"{projector.name} projector", projector.run) for projector in self.projectors]
        return [*projectors, *((reactor.name, reactor.run) for reactor in self.reactors)]

    async def caught_up(self) -> None:
        """Return once every read model answers with all that was stored before."""
        while not all(_has_begun(projector) for projector in self.projectors):  # noqa: ASYNC110  Whoever waits may end it.
            await asyncio.sleep(CATCH_UP_SECONDS)

    async def answering(self) -> None:
        """Return once every read model answers, if with less than was stored."""
        while not all(projector.has_build or _has_begun(projector) for projector in self.projectors):  # noqa: ASYNC110
            await asyncio.sleep(CATCH_UP_SECONDS)


def _has_begun(projector: Projector) -> bool:
    """A projector that has halted says so itself, and what it has made can be served."""
    return projector.state == "live" or projector.state.startswith("halted")


@asynccontextmanager
async def open_contexts(house: House) -> AsyncIterator[Contexts]:
    async with open_users(house) as users, AsyncExitStack() as stack:
        channels = open_channels(house.settings, DataFolder(house.settings.data_path).secrets, stack)
        members = users.people.writing.members
        tasks, calendar = open_tasks(house, members), open_calendar(house, members)
        notifications = open_notifications(
            house,
            members,
            tasks=tasks.write,
            calendar=calendar.write,
            users=users.context.write,
            owners={"task": tasks, "appointment": calendar},
            channels=channels,
        )
        yield Contexts(
            # The busiest first: their routes are found first.
            opened=(tasks, calendar, notifications, users.context),
            identities=users.people.reading.identities,
            logs={name: stores.log for name, stores in house.stores.contexts.items()},
        )
