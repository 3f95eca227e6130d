"""What a context finds when it is opened in the process of `sigdep up`, and what it becomes there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sigdep.contracts.public_log import PublicLog
from sigdep.kernel.store import EventStore
from sigdep.rpc.call import Service
from sigdep.services.jobs import Job
from sigdep.services.menus import Menu
from sigdep.services.observing.lag import followed_events
from sigdep.services.observing.watch import Watch, reaction_of
from sigdep.services.projector import Projector
from sigdep.services.published_log import PublishedLog
from sigdep.services.reactor import Reactions, Reactor
from sigdep.services.settings import Settings
from sigdep.services.shared_public_log import SharedPublicLog
from sigdep.services.wiring import ContextStores, Stores

DATABASE: Final = "sqlite"
"""As OpenTelemetry calls it."""


@dataclass(frozen=True, kw_only=True)
class OpenContext:
    """One context at work: what answers, and what must run beside it."""

    menu: Menu
    write: Service
    read: Service
    projector: Projector
    reactors: Sequence[Reactor] = ()
    chores: Mapping[str, Job] = field(default_factory=dict)
    """Jobs for which the read models must be there."""


@dataclass(frozen=True, kw_only=True)
class House:
    """The process, as each of its contexts finds it."""

    settings: Settings
    stores: Stores
    watch: Watch
    issuer: str
    """Who says that a token is good: the URL by which clients know this server."""
    _published: dict[str, SharedPublicLog] = field(default_factory=dict, init=False)

    def log(self, menu: Menu) -> EventStore:
        """The context's own, watched."""
        return self.watch.store(menu.name, self._stores(menu).log, system=DATABASE)

    def projector(self, menu: Menu) -> Projector:
        """Of the context's own read model. It is to be run."""
        stores = self._stores(menu)
        followed = self.watch.followed(menu.name, f"{stores.read_model.name} projector", stores.log)
        projector = Projector(followed, stores.views, stores.read_model)
        self.watch.projector(projector, stores.log)
        return projector

    def published(self, menu: Menu) -> PublicLog:
        """What a context tells the others, followed once however many hear it."""
        if menu.name not in self._published:
            self._published[menu.name] = SharedPublicLog(PublishedLog(self._stores(menu).log, menu.publish))
        return self._published[menu.name]

    def reactor(self, menu: Menu, to: Menu, reactions: Reactions, *, name: str | None = None) -> Reactor:
        """Lets one context act on what another publishes. It is to be run.

        Args:
            name: where these are not the only reactions of the one to the other. It must stay: how far it has come is
                kept under it.
        """
        if name is None:
            name = f"{menu.name} reactions" if to.name == "users" else f"{menu.name} reactions to {to.name}"
        reactor = Reactor(name, self.published(to), self.watch.reactions(name, reactions), self._stores(menu).views)
        self.watch.follower(reaction_of(reactor, followed_events(self._stores(to).log)))
        return reactor

    def opened(
        self,
        menu: Menu,
        *,
        write: Service,
        read: Service,
        projector: Projector,
        reactors: Sequence[Reactor] = (),
        chores: Mapping[str, Job] | None = None,
    ) -> OpenContext:
        """The context with its services watched."""
        return OpenContext(
            menu=menu,
            write=self.watch.inner(menu.write.name, write),
            read=self.watch.inner(menu.read.name, read),
            projector=projector,
            reactors=reactors,
            chores=chores or {},
        )

    def _stores(self, menu: Menu) -> ContextStores:
        return self.stores.contexts[menu.name]
