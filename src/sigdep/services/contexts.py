"""Puts the contexts of one process together: their services, routes, projectors and jobs."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import time
from typing import Final

import structlog

from sigdep.gateway.feed_source import Log
from sigdep.http.identity import Identities
from sigdep.http.routes import Route
from sigdep.http.stamps import utc_now
from sigdep.kernel.ids import partition_of
from sigdep.kernel.store import EventStore
from sigdep.services.jobs import Job
from sigdep.services.observing.lag import followed_events
from sigdep.services.observing.watch import Watch, reaction_of
from sigdep.services.projector import Projector
from sigdep.services.published_log import PublishedLog
from sigdep.services.reactor import Reactor
from sigdep.services.settings import Settings
from sigdep.services.wiring import ContextStores, Stores
from sigdep.tasks import context as tasks
from sigdep.users import context as users

DATABASE: Final = "sqlite"
"""As OpenTelemetry calls it."""

CATCH_UP_SECONDS: Final = 0.005
ERASURES_EVERY_SECONDS: Final = 60.0
ERASURES_SOON_SECONDS: Final = 0.2
"""Between runs where erasures have no time of grace: whoever sets that wants them gone now."""

TOKEN_USES_EVERY_SECONDS: Final = 60.0

_log = structlog.get_logger("sigdep.contexts")


@dataclass(frozen=True, kw_only=True)
class Contexts:
    """Everything that answers, and everything that must run beside it."""

    routes: Sequence[Route]
    identities: Identities
    published: Sequence[Log]
    projectors: Sequence[Projector]
    reactors: Sequence[Reactor]
    logs: Mapping[str, EventStore]
    chores: Mapping[str, Job]
    """Jobs for which the read models must be there."""

    def followers(self) -> Sequence[tuple[str, Job]]:
        """The jobs that follow the logs."""
        projectors = [(f"{projector.name} projector", projector.run) for projector in self.projectors]
        return [*projectors, *((reactor.name, reactor.run) for reactor in self.reactors)]

    async def caught_up(self) -> None:
        """Return once every read model answers with all that was stored before."""
        while not all(_has_begun(projector) for projector in self.projectors):  # noqa: ASYNC110  For a moment only.
            await asyncio.sleep(CATCH_UP_SECONDS)


def _has_begun(projector: Projector) -> bool:
    """A projector that has halted says so itself, and what it has made can be served."""
    return projector.state == "live" or projector.state.startswith("halted")


@asynccontextmanager
async def open_contexts(settings: Settings, stores: Stores, watch: Watch, *, issuer: str) -> AsyncIterator[Contexts]:
    """
    Args:
        issuer: who says that a token is good: the URL by which clients know this server.
    """
    tasks_log = watch.store("tasks", stores.tasks.log, system=DATABASE)
    users_log = watch.store("users", stores.users.log, system=DATABASE)
    tasks_projector, users_projector = _projector(stores.tasks, watch), _projector(stores.users, watch)
    people = users.open_users(
        log=users_log,
        views=stores.users.views,
        progress=users_projector,
        keys=stores.keys,
        token_key=stores.secrets.token_key,
        signing_keys=(stores.secrets.signing_key,),
        issuer=issuer,
        access_token_seconds=settings.access_token_seconds,
        erase_grace=timedelta(days=settings.erase_grace_days),
        limits=settings.limits,
        now=time,
        alone=True,
    )
    work = tasks.open_tasks(
        log=tasks_log,
        views=stores.tasks.views,
        progress=tasks_projector,
        members=people.writing.members,
        alone=True,
    )
    tasks_write = watch.inner("tasks.write", work.write)
    reactor = Reactor(
        "tasks reactions",
        PublishedLog(stores.users.log, users.publish),
        watch.reactions("tasks reactions", tasks.TasksReactions(tasks_write)),
        stores.tasks.views,
    )
    watch.follower(reaction_of(reactor, followed_events(stores.users.log)))
    try:
        yield Contexts(
            routes=(
                *tasks.routes(tasks_write, watch.inner("tasks.read", work.read)),
                *users.routes(
                    watch.inner("users.write", people.writing.write), watch.inner("users.read", people.reading.read)
                ),
            ),
            identities=people.reading.identities,
            published=(
                Log(context="tasks", store=stores.tasks.log, publish=tasks.publish),
                Log(
                    context="users",
                    store=stores.users.log,
                    publish=users.publish,
                    partition_for=lambda _workspace: partition_of(users.REALM),
                ),
            ),
            projectors=(tasks_projector, users_projector),
            reactors=(reactor,),
            logs={"tasks": stores.tasks.log, "users": stores.users.log},
            chores={
                "erasures": partial(_erase_for_ever, people, settings.erase_grace_days),
                "token uses": partial(_save_token_uses, people),
            },
        )
    finally:
        await people.close()


def _projector(context: ContextStores, watch: Watch) -> Projector:
    followed = watch.followed(context.name, f"{context.read_model.name} projector", context.log)
    projector = Projector(followed, context.views, context.read_model)
    watch.projector(projector, context.log)
    return projector


async def _erase_for_ever(people: users.UsersContext, grace_days: float) -> None:
    """Carry out erasures when their time has come."""
    while True:
        report = await people.writing.erasures.run_due(utc_now())
        for error in report.failed:
            _log.warning("erasure failed and will be tried again", error=str(error))
        await asyncio.sleep(ERASURES_EVERY_SECONDS if grace_days else ERASURES_SOON_SECONDS)


async def _save_token_uses(people: users.UsersContext) -> None:
    while True:
        await asyncio.sleep(TOKEN_USES_EVERY_SECONDS)
        await people.reading.token_uses.save()
