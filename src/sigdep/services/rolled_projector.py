"""A read model in a read store that replicas of two releases share while the newer one is rolled out."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.lease import Holder, Leases
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import ModelId, ReadStore
from sigdep.kernel.store import EventLog
from sigdep.services.back_off import BackOff
from sigdep.services.jobs import Job
from sigdep.services.leased import LEASE_SECONDS, TRY_SECONDS, Leased
from sigdep.services.leased_projector import LeasedProjector
from sigdep.services.not_yet_live import NotYetLive
from sigdep.services.projecting import tables_of
from sigdep.services.projector import WAIT_SECONDS, OnApplied
from sigdep.services.rebuilding import Progress
from sigdep.services.waiters import Waiters

OFFERED_SECONDS: Final = 8 * TRY_SECONDS
"""For so long a free lease is left to replicas of the former release: as long as one runs, theirs are the live rows."""

_log = structlog.get_logger("sigdep.projector")


class RolledProjector:
    """A Progress for read services. Run all its `jobs`.

    It is a LeasedProjector, but for a replica that comes while another release serves rows that this code cannot read.
    Such a replica has first a LeasedProjector of another lease, which only those of its own release want: it makes the
    build of this release, or watches it, and answers from it although it is not live. When nobody of the former release
    wants the lease of the read model any more, whoever fills the build takes it, and switches.
    """

    def __init__(
        self,
        log: EventLog,
        read_store: ReadStore,
        read_model: ReadModel,
        leases: Leases,
        holder: Holder,
        *,
        lease_seconds: float = LEASE_SECONDS,
        on_applied: OnApplied | None = None,
    ) -> None:
        """
        Args:
            on_applied: see `Projector`. In the replica that projects what is live, and in no other.
        """
        waiters = Waiters()  # One for both, since whoever waits does not care which of them sees the position first.
        self._read_store = read_store
        self._read_model = read_model
        self._leases = leases
        self._holder = holder
        self._seconds = lease_seconds
        self._live: Final = LeasedProjector(
            log,
            read_store,
            read_model,
            leases,
            holder,
            lease_seconds=lease_seconds,
            on_applied=on_applied,
            waiters=waiters,
        )
        self._early: Final = LeasedProjector(
            log,
            NotYetLive(read_store, read_model),
            read_model,
            leases,
            holder,
            lease=f"{read_model.name} newcomer {read_model.fingerprint[:12]}",
            lease_seconds=lease_seconds,
            waiters=waiters,
        )
        self._is_early = False

    @property
    def name(self) -> str:
        return self._live.name

    @property
    def state(self) -> str:
        return self._source.state

    @property
    def is_fit(self) -> bool:
        """True: reads follow the log, by our own work or another's."""
        return self._source.is_fit

    @property
    def is_early(self) -> bool:
        """True: it answers from a build that is not live yet, or will."""
        return self._source is self._early

    @property
    def is_projecting(self) -> bool:
        """True: this replica does, at present."""
        return self._source.is_projecting

    @property
    def parked_streams(self) -> int:
        return self._source.parked_streams

    @property
    def has_build(self) -> bool:
        """True: there is something to read from."""
        return self._source.has_build

    @property
    def rebuilding(self) -> Progress | None:
        """How far a build is that this replica makes."""
        return self._source.rebuilding

    @property
    def waiting_reads(self) -> int:
        """How many reads wait here for a position."""
        return self._live.waiting_reads

    @property
    def leased(self) -> Leased:
        """The projecting of what is live, under its lease."""
        return self._live.leased

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
    def _source(self) -> LeasedProjector:
        return self._early if self._is_early and not self._live.has_build else self._live

    # ── whose turn it is ──────────────────────────────────────────────────────────────────────────────

    @property
    def jobs(self) -> Mapping[str, Job]:
        name = self._live.leased.name
        return {name: self._run, f"{name} watch": self._live.watch}

    async def _run(self) -> None:
        self._is_early = await self._finds_other_rows()
        if self._is_early:
            _log.info("another release serves its rows, those of this one are made beside", model=self.name)
            await self._come_early()
        else:
            await self._live.leased.run()

    async def _finds_other_rows(self) -> bool:
        """Whether what is live is of other tables than this code can read."""
        back_off = BackOff()
        while True:
            try:
                if await self._read_store.live(self.name, tables_of(self._read_model)) is not None:
                    return False
                return await self._read_store.live(self.name, None) is not None
            except Unavailable:
                await back_off.pause()

    async def _come_early(self) -> None:
        async with asyncio.TaskGroup() as group:
            early = [group.create_task(self._early.leased.run()), group.create_task(self._early.watch())]
            await self._until_our_turn()
            group.create_task(self._end_once_live(early))
            await self._live.leased.run()

    async def _until_our_turn(self) -> None:
        """Return once the rows of this release are live, or it is for this replica to make them live."""
        while not self._live.has_build:
            if self._early.is_projecting and self._early.is_fit and await self._is_left_to_us():
                return
            await asyncio.sleep(TRY_SECONDS)

    async def _is_left_to_us(self) -> bool:
        """Whether nobody else has taken the lease while we could have had it twice."""
        try:
            first = await self._leases.acquire(self.leased.name, self._holder, self._seconds)
            if first is None:
                return False
            await self._leases.release(self.leased.name, first)
            await asyncio.sleep(OFFERED_SECONDS)
            second = await self._leases.acquire(self.leased.name, self._holder, self._seconds)
            if second is None:
                return False
            await self._leases.release(self.leased.name, second)
        except Unavailable:
            return False
        return second == first + 1

    async def _end_once_live(self, early: Sequence[asyncio.Task[None]]) -> None:
        """Until then it is filled still, since somebody else may come first. The checkpoint fences one of the two."""
        while not self._live.has_build:  # noqa: ASYNC110
            await asyncio.sleep(TRY_SECONDS)
        self._is_early = False
        for job in early:
            job.cancel()
