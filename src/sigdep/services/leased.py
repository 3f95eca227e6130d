"""Runs a job in one replica of a service at a time: only while this one holds a lease."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from sigdep.kernel.errors import Unavailable
from sigdep.kernel.lease import Epoch, Holder, Leases
from sigdep.services.jobs import Job

LEASE_SECONDS: Final = 2.0
"""When a holder dies without a word, one elsewhere begins after so long; one that is started at its place, at once."""

RENEWALS_PER_LEASE: Final = 4
"""So that one or two of them may fail."""

TRY_SECONDS: Final = 0.25
"""Between attempts to get a lease that another replica holds, or while the database is away."""

CANCEL_AGAIN_SECONDS: Final = 1.0
"""After so long a job that was cancelled and goes on is cancelled again."""

HOLDS: Final = "holds"
WAITS: Final = "another replica holds it"

_log = structlog.get_logger("sigdep.leases")


def _no_fault() -> str | None:
    return None


class Leased:
    """A job under a lease. When the lease is lost the job is cancelled, and begun again when it has been got again.

    The job may go on for a moment after another has begun: by a process that was asleep when its lease ended. So what
    it does must be fenced or harmless, see `Leases`.

    `state` is for people: "starting", HOLDS, WAITS, "waiting: why", "ended".
    """

    def __init__(
        self,
        leases: Leases,
        name: str,
        holder: Holder,
        job: Job,
        *,
        fault: Callable[[], str | None] = _no_fault,
        seconds: float = LEASE_SECONDS,
    ) -> None:
        """
        Args:
            name: of the lease, the same in all replicas.
            holder: this process.
            fault: what is wrong with the job while it runs here.
        """
        self.name = name
        self.state = "starting"
        self.terms = 0
        """How often it has been held here."""
        self._leases = leases
        self._holder = holder
        self._job = job
        self._job_fault = fault
        self._seconds = seconds

    @property
    def is_held(self) -> bool:
        return self.state == HOLDS

    def fault(self) -> str | None:
        """What is wrong. None: nothing, here or because the job is another replica's."""
        if self.state in (HOLDS, "ended"):
            return self._job_fault()
        return None if self.state == WAITS else f"It is {self.state}."

    async def run(self) -> None:
        """Until cancelled, or until the job has ended by itself. Raises what the job raises."""
        loop = asyncio.get_running_loop()
        while True:
            asked_at = loop.time()
            epoch = await self._acquire()
            if epoch is not None and await self._hold(epoch, until=asked_at + self._seconds):
                self.state = "ended"
                return
            await asyncio.sleep(TRY_SECONDS)

    async def _acquire(self) -> Epoch | None:
        try:
            epoch = await self._leases.acquire(self.name, self._holder, self._seconds)
        except Unavailable as error:
            if not self.state.startswith("waiting"):
                _log.warning("lease waits", lease=self.name, reason=error.detail)
            self.state = f"waiting: {error.detail}"
            return None
        self.state = WAITS if epoch is None else HOLDS
        return epoch

    async def _hold(self, epoch: Epoch, until: float) -> bool:
        """Do the job as long as the lease lasts. True: the job has ended; False: the lease has."""
        _log.info("lease held", lease=self.name, epoch=epoch)
        self.terms += 1
        working = asyncio.create_task(_awaited(self._job), name=self.name)
        keeping = asyncio.create_task(self._keep(epoch, until), name=f"{self.name} lease")
        try:
            await asyncio.wait((working, keeping), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                return True
            _log.warning("lease lost", lease=self.name, epoch=epoch)
            return False
        finally:
            self.state = "giving it up"
            await _end(self.name, working, keeping)
            with suppress(Unavailable):  # It ends by itself too.
                await self._leases.release(self.name, epoch)

    async def _keep(self, epoch: Epoch, until: float) -> None:
        """Renew the lease. Returns when it is lost: refused, or not renewed in time.

        Args:
            until: by the clock of this event loop. It was read before the lease was asked for, so ours ends first.
        """
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(self._seconds / RENEWALS_PER_LEASE, until - loop.time()))
            asked_at = loop.time()
            if asked_at >= until:
                return
            try:
                async with asyncio.timeout_at(until):
                    renewed = await self._leases.renew(self.name, epoch, self._seconds)
            except TimeoutError:
                return
            except Unavailable as error:
                _log.warning("lease not renewed", lease=self.name, reason=error.detail)
                continue
            if not renewed:
                return
            until = asked_at + self._seconds


async def _end(name: str, *tasks: asyncio.Task[None]) -> None:
    """Cancel, and again where that was not heard: a job that goes on may not be begun a second time."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        _, late = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
        if late:
            _log.error("a job does not end", job=name)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _awaited(job: Job) -> None:
    await job()
