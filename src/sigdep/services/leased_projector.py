"""One read model in a read store that several replicas share: one of them projects it, the others watch."""

import asyncio
from collections.abc import Mapping
from typing import Final

from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.lease import Holder, Leases
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import ModelId, ReadStore
from sigdep.kernel.store import EventLog
from sigdep.services.jobs import Job
from sigdep.services.leased import HOLDS, LEASE_SECONDS, Leased
from sigdep.services.projector import WAIT_SECONDS, OnApplied, Projector
from sigdep.services.rebuilding import Progress
from sigdep.services.waiters import Waiters
from sigdep.services.watching import Watcher


class LeasedProjector:
    """A Progress for read services, whichever of the two this replica does at present. Run all its `jobs`.

    What fences a projector that slept through the end of its lease is the checkpoint: it moves with the rows, in one
    transaction, from where that projector believes it to be, or nothing is written.
    """

    def __init__(
        self,
        log: EventLog,
        read_store: ReadStore,
        read_model: ReadModel,
        leases: Leases,
        holder: Holder,
        *,
        lease: str | None = None,
        lease_seconds: float = LEASE_SECONDS,
        on_applied: OnApplied | None = None,
        waiters: Waiters | None = None,
    ) -> None:
        """
        Args:
            lease: its name, where it is another one than that of the read model.
            on_applied: see `Projector`. In the replica that projects, and in no other.
        """
        # One for both, since whoever waits does not care which of them sees the position first.
        waiters = Waiters() if waiters is None else waiters
        self._projector: Final = Projector(
            log, read_store, read_model, waiters=waiters, on_applied=on_applied, shares_builds=True
        )
        self._watcher: Final = Watcher(read_store, read_model, waiters)
        self._leased: Final = Leased(
            leases, lease or f"{read_model.name} projector", holder, self._project, seconds=lease_seconds
        )

    @property
    def name(self) -> str:
        return self._projector.name

    @property
    def state(self) -> str:
        if self._source is self._projector or self.rebuilding is not None:
            return self._projector.state
        return f"{self._watcher.state}: {self._leased.state}"

    @property
    def is_fit(self) -> bool:
        """True: reads follow the log, by our own work or another's."""
        return self._source.is_fit

    @property
    def is_projecting(self) -> bool:
        """True: this replica does, at present."""
        return self._leased.state == HOLDS and self._projector.has_build

    @property
    def parked_streams(self) -> int:
        return self._projector.parked_streams

    @property
    def has_build(self) -> bool:
        """True: there is something to read from."""
        return self._projector.has_build or self._watcher.has_build

    @property
    def rebuilding(self) -> Progress | None:
        """How far a build is that this replica makes."""
        return self._projector.rebuilding

    @property
    def waiting_reads(self) -> int:
        """How many reads wait here for a position."""
        return self._projector.waiting_reads

    @property
    def leased(self) -> Leased:
        """The projecting, under its lease."""
        return self._leased

    @property
    def model_id(self) -> ModelId:
        """The build to read from. Take it anew for each request.

        Raises:
            Unavailable: it is being made for the first time.
        """
        return self._source.model_id

    @property
    def positions(self) -> Positions:
        """What a read that begins now reflects, at least."""
        return self._source.positions

    async def wait_for(self, partition: Partition, position: Position, timeout_seconds: float = WAIT_SECONDS) -> None:
        """Return when reads reflect the position.

        Raises:
            Unavailable: they do not within that time.
        """
        await self._source.wait_for(partition, position, timeout_seconds)

    @property
    def jobs(self) -> Mapping[str, Job]:
        name = self._leased.name
        return {name: self._leased.run, f"{name} watch": self.watch}

    async def watch(self) -> None:
        """Look how far others have come, while this replica does not project."""
        await self._watcher.run(lambda: not self._projector.has_build)

    @property
    def _source(self) -> Projector | Watcher:
        """Until the projector has found its build, and again when it has lost its lease, what can be seen is enough."""
        return self._projector if self._projector.has_build else self._watcher

    async def _project(self) -> None:
        try:
            await self._projector.run()
        except asyncio.CancelledError:
            if self._projector.has_build:
                self._watcher.saw(self._projector.model_id, self._projector.positions)
            self._projector.forget()
            self._watcher.look_soon()
            raise
