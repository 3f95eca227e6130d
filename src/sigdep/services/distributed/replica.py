"""This process among all replicas of its role: what each of them does, and what only one does at a time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from os import getpid
from socket import gethostname
from time import time_ns
from uuid import uuid4

from sigdep.kernel.lease import Holder, Leases
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.store import EventLog
from sigdep.services.distributed.checks import said
from sigdep.services.distributed.relay import Relay
from sigdep.services.distributed.role import Check
from sigdep.services.jobs import Job
from sigdep.services.leased import Leased
from sigdep.services.observing.lag import FollowedLog, Follower, followed_rows
from sigdep.services.observing.watch import Watch, reaction_of
from sigdep.services.projector import OnApplied
from sigdep.services.reactor import Reactor
from sigdep.services.rolled_projector import RolledProjector
from sigdep.services.views_check import said_of_views


def this_process(place: str) -> Holder:
    """
    Args:
        place: see `Holder.place`.
    """
    return Holder(f"{gethostname()} {getpid()} {uuid4().hex}", place, time_ns())


@dataclass(kw_only=True)
class Replica:
    """Gathers the jobs of this process, and whether they are fit."""

    leases: Leases
    holder: Holder
    watch: Watch
    jobs: dict[str, Job] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)

    def project(
        self, log: EventLog, views: ReadStore, read_model: ReadModel, on_applied: OnApplied | None = None
    ) -> RolledProjector:
        """In one replica; the others watch."""
        projector = RolledProjector(log, views, read_model, self.leases, self.holder, on_applied=on_applied)
        self.watch.projector(projector, log)
        self.watch.lease(projector.leased)
        self.jobs |= projector.jobs
        self.checks[f"{projector.name}.views"] = said(partial(said_of_views, projector))
        return projector

    def index(self, log: EventLog, views: ReadStore, texts: ReadModel) -> RolledProjector:
        """Fills a search index, in one replica; the others watch.

        No check of this process: while the index is away, the read store searches. The log says that it waits.
        """
        projector = RolledProjector(log, views, texts, self.leases, self.holder)
        self.watch.projector(projector, log)
        self.watch.lease(projector.leased)
        self.jobs |= projector.jobs
        return projector

    def react(self, reactor: Reactor, log: FollowedLog) -> None:
        """In one replica. Its checkpoint fences one that was asleep, and reactions are safe to repeat.

        Args:
            log: that it follows.
        """
        self._follows(reaction_of(reactor, log), self._alone(reactor.name, reactor.run, reactor.fault))

    def relay(self, relay: Relay | None) -> None:
        """In one replica: more would do no harm, and the same work.

        No check of this process: while the broker is away, commands are taken all the same. The log says that it waits.
        """
        if relay is not None:
            name = f"{relay.topic} relay"
            leased = Leased(self.leases, name, self.holder, relay.run, fault=relay.fault)
            self.jobs[name] = leased.run
            self.watch.lease(leased)
            follower = Follower(
                kind="relay",
                name=name,
                log=followed_rows(relay.log),
                positions=lambda: relay.positions,
                is_fit=lambda: relay.fault() is None,
            )
            self._follows(follower, leased)

    def alone(self, name: str, job: Job) -> None:
        """In one replica, a job that bears it when two are at it for a moment."""
        self._alone(name, job, lambda: None)

    def _alone(self, name: str, job: Job, fault: Callable[[], str | None]) -> Leased:
        leased = Leased(self.leases, name, self.holder, job, fault=fault)
        self.jobs[name] = leased.run
        self.checks[name] = said(leased.fault)
        self.watch.lease(leased)
        return leased

    def _follows(self, follower: Follower, leased: Leased) -> None:
        """Only the replica that does it knows how far it has come."""
        positions = follower.positions
        follower.positions = lambda: positions() if leased.is_held else None
        follower.is_fit = lambda: leased.fault() is None
        self.watch.follower(follower)
