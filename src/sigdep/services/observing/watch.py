"""The one place of a process where its ports get their layers: figures outside, traces within."""

import asyncio
from types import TracebackType
from typing import Final, Self

from sigdep.gateway.figures import Figures
from sigdep.kernel.broker import Broker
from sigdep.kernel.store import EventLog, EventStore
from sigdep.rpc.call import Service
from sigdep.rpc.contract import ServiceContract
from sigdep.services.leased import Leased
from sigdep.services.observing.appends import AppendFigures
from sigdep.services.observing.asks import AskFigures
from sigdep.services.observing.broker_calls import BrokerFigures, MeasuredBroker
from sigdep.services.observing.lag import FollowedLog, Follower, Lag, followed_events
from sigdep.services.observing.leases_held import LeaseFigures
from sigdep.services.observing.process_figures import SpanFigures, probe_loop, show_process
from sigdep.services.observing.read_models import Projecting, ReadModelFigures
from sigdep.services.observing.reminders import ReminderFigures
from sigdep.services.observing.traced_broker import TracedBroker
from sigdep.services.observing.traced_log import TracedLog, TracedStore
from sigdep.services.observing.traced_reactions import TracedReactions
from sigdep.services.observing.traced_service import GRPC, IN_PROCESS, TracedService
from sigdep.services.reactor import Reactions, Reactor
from sigdep.telemetry.queue import SpanQueue

NO_SYSTEM: Final = "sigdep"
"""What brings events, where that is no broker: the log itself."""


class Watch:
    """`async with Watch(service, figures, spans) as watch`. What is not traced gets no layer for it."""

    def __init__(self, service: str, figures: Figures, spans: SpanQueue | None = None) -> None:
        """
        Args:
            service: the name of this process's role.
        """
        self.figures = figures
        self.spans = spans
        registry = figures.registry
        show_process(registry, service)
        self._asks = AskFigures(registry, "service", "were answered here")
        self._peer_asks = AskFigures(registry, "peer", "others were asked")
        self._appends = AppendFigures(registry)
        self._broker = BrokerFigures(registry)
        self._lag, self._read_models, self._leases = Lag(), ReadModelFigures(), LeaseFigures(service)
        for collector in (self._lag, self._read_models, self._leases, SpanFigures(spans)):
            figures.add(collector)
        figures.look_before(self._lag.look)
        self._probing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._probing = asyncio.create_task(probe_loop(self.figures.registry), name="probe of the event loop")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    # ── what is asked ─────────────────────────────────────────────────────────────────────────────────

    def service(self, contract: ServiceContract, service: Service) -> Service:
        """One that others ask by gRPC."""
        if self.spans is not None:
            service = TracedService(contract.full_name, service, self.spans, "server", system=GRPC)
        return self._asks.measure(contract.name, service)

    def inner(self, name: str, service: Service) -> Service:
        """
        One of this process, asked directly.

        Args:
            name: as a contract would have it: tasks.write.
        """
        if self.spans is not None:
            service = TracedService(f"sigdep.{name}", service, self.spans, "internal", system=IN_PROCESS)
        return self._asks.measure(name, service)

    def peer(self, contract: ServiceContract, service: Service) -> Service:
        """One of another process."""
        if self.spans is not None:
            service = TracedService(contract.full_name, service, self.spans, "client", system=GRPC)
        return self._peer_asks.measure(contract.name, service)

    # ── logs and brokers ──────────────────────────────────────────────────────────────────────────────

    def store(self, log: str, store: EventStore, *, system: str) -> EventStore:
        """
        Args:
            system: the database, as OpenTelemetry calls it.
        """
        if self.spans is not None:
            store = TracedStore(log, store, self.spans, system=system)
        return self._appends.measure(log, store)

    def followed(self, log: str, follower: str, events: EventLog, *, system: str = NO_SYSTEM) -> EventLog:
        """
        Args:
            follower: who will follow it.
            system: the broker that brings the events.
        """
        return events if self.spans is None else TracedLog(log, follower, events, self.spans, system=system)

    def reactions(self, name: str, reactions: Reactions) -> Reactions:
        """
        Args:
            name: of the reactor.
        """
        return reactions if self.spans is None else TracedReactions(name, reactions, self.spans)

    def broker(self, broker: Broker | None, *, system: str) -> Broker | None:
        if broker is None:
            return None
        if self.spans is not None:
            broker = TracedBroker(broker, self.spans, system=system)
        return MeasuredBroker(broker, self._broker)

    # ── what runs ─────────────────────────────────────────────────────────────────────────────────────

    def follower(self, follower: Follower) -> None:
        self._lag.add(follower)

    def projector(self, projector: Projecting, log: EventLog) -> None:
        self._read_models.add(projector)
        self._lag.add(
            Follower(
                kind="projection",
                name=f"{projector.name} projector",
                log=followed_events(log),
                positions=lambda: projector.positions if projector.has_build else None,
                is_fit=lambda: projector.is_fit,
                parked=lambda: projector.parked_streams,
            )
        )

    def reminders(self) -> ReminderFigures:
        """To be told of reminders and deliveries, and of the work on them."""
        return ReminderFigures(self.figures.registry)

    def lease(self, leased: Leased) -> None:
        self._leases.add(leased)


def reaction_of(reactor: Reactor, log: FollowedLog) -> Follower:
    """
    Args:
        log: that it follows, as far as this process may look into it.
    """
    return Follower(
        kind="reaction",
        name=reactor.name,
        log=log,
        positions=lambda: reactor.positions,
        is_fit=lambda: reactor.fault() is None,
        parked=lambda: reactor.parked_streams,
    )
