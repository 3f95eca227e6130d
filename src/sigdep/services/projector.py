"""Keeps a read model true: follows the log for ever, and makes the read model anew when its code has changed."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from sigdep.kernel.errors import LogDamaged, Unavailable
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import CheckpointMoved, ModelGone, ModelId, ReadStore
from sigdep.kernel.store import READ_EVENTS_MAX, EventLog, RecordedEvent
from sigdep.services.back_off import BackOff
from sigdep.services.batches import let_go, unless
from sigdep.services.projecting import Build, ProjectionBroken
from sigdep.services.rebuilding import OnProgress, Progress
from sigdep.services.renewing import RETIRED_KEPT_SECONDS, Renewal
from sigdep.services.served_build import ServedBuild
from sigdep.services.waiters import Waiters

WAIT_SECONDS: Final = 5.0
"""How long a read waits for a position, unless told otherwise."""

GATHER_SECONDS: Final = 0.005
"""After a batch of several events, while more are surely on their way: larger batches cost less for each event."""

GATHER_SECONDS_MAX: Final = 0.025
"""The same while nobody waits for what is on its way."""

APPLIED_EVENTS_MAX: Final = 200
"""At once, while requests are served: after a large import each of them would otherwise wait for a whole batch."""

OnApplied = Callable[[Sequence[RecordedEvent] | None], None]
"""Is told of events once reads reflect them. None: of all there are, since others may have applied the last of them."""

_log = structlog.get_logger("sigdep.projector")


class Projector:
    """One read model, filled by one log.

    `state` is for people and for `/health/ready`: "starting", "rebuilding: …", "catching up", "live",
    "waiting: why" while something is away, "halted: why" when somebody must look, "stopped".
    """

    def __init__(
        self,
        log: EventLog,
        read_store: ReadStore,
        read_model: ReadModel,
        *,
        on_progress: OnProgress | None = None,
        retired_kept_seconds: float = RETIRED_KEPT_SECONDS,
        waiters: Waiters | None = None,
        on_applied: OnApplied | None = None,
        shares_builds: bool = False,
    ) -> None:
        """
        Args:
            shares_builds: other processes make builds of the read model too, see `Renewal.sweep`.
            on_applied: must neither wait nor raise.
        """
        self.state = "starting"
        self._log = log
        self._read_model = read_model
        self._on_progress = on_progress
        self._on_applied = on_applied
        self._changing = asyncio.Lock()
        """Held by whoever applies to the served build, or replaces it."""
        self._served = ServedBuild(log, read_store, read_model, self._changing)
        self._waiters = Waiters() if waiters is None else waiters
        self._renewal = Renewal(
            log,
            read_store,
            read_model,
            changing=self._changing,
            on_progress=self._told,
            retired_kept_seconds=retired_kept_seconds,
            shares_builds=shares_builds,
        )
        self._is_first_time = True
        self._back_off = BackOff()

    @property
    def name(self) -> str:
        return self._read_model.name

    @property
    def model_id(self) -> ModelId:
        """The build to read from. Take it anew for each request.

        Raises:
            Unavailable: it is being made for the first time.
        """
        if self._served.build is None:
            raise Unavailable(f"{self.name} is not ready yet: {self.state}.", retry_after_seconds=1.0)
        return self._served.build.model

    @property
    def positions(self) -> Positions:
        """What a read that begins now reflects, at least."""
        return self._served.positions

    @property
    def rebuilding(self) -> Progress | None:
        """How far a build is that is being made. None: none is."""
        return self._renewal.progress

    @property
    def has_build(self) -> bool:
        """True: there is something to read from."""
        return self._served.build is not None

    def forget(self) -> None:
        """Know nothing of the build any more, as another process may change it from now on. `run` looks it up again."""
        self._served.forget()
        self.state = "starting"

    @property
    def parked_streams(self) -> int:
        """How many streams are set aside because an event of theirs could not be projected."""
        return self._served.parked_streams

    @property
    def waiting_reads(self) -> int:
        """How many reads wait for a position."""
        return len(self._waiters)

    @property
    def is_fit(self) -> bool:
        """True: it follows the log."""
        return self.state in ("live", "catching up")

    # ── following ─────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Follow the log until cancelled or until it is closed. When halted it returns, and reads are still served."""
        try:
            while await self._attempt():
                await self._back_off.pause()
            self.state = "stopped"
        except (LogDamaged, ProjectionBroken) as error:
            self._halt(str(error))
        except Exception as error:
            self._halt(f"{type(error).__name__}, which is a bug")
            raise
        finally:
            self._renewal.stop()

    async def _attempt(self) -> bool:
        """Follow as long as it goes well. False: until the log was closed."""
        try:
            await self._begin()
            while await self._follow_what_is_served():
                await self._begin()
        except ModelGone as error:
            _log.warning("a build has been dropped, another is looked for or made", reason=error.detail)
            self._served.forget()
        except CheckpointMoved:
            _log.info("another projector moved the checkpoint", model=self.name)
        except Unavailable as error:
            state = f"waiting: {error.detail}"
            if state != self.state:
                _log.warning("projector waits", model=self.name, reason=error.detail)
            self.state = state
        else:
            return False
        return True

    async def _begin(self) -> None:
        """Choose the build to follow: the live one of this code, or an older one until this code has made its own.

        Where there is neither, make one first.
        """
        if not await self._served.choose(replays_parked=self._is_first_time):
            self.state = "rebuilding"
            await self._rebuild()
            return
        self._applied(None)
        if self._is_first_time and not self._served.is_older:
            await self._renewal.sweep()
            self._is_first_time = False

    async def _follow_what_is_served(self) -> bool:
        """Until the log is closed (False), or there is another build to serve (True)."""
        if self._served.is_older:
            return await unless(self._follow_older(), self._rebuild())
        return await unless(self._follow(), self._served.replaced())

    async def _follow_older(self) -> bool:
        try:
            return await self._follow()
        except ProjectionBroken as error:
            # What this code makes of rows of its own will show whether the code is at fault, or those rows are.
            _log.warning("the older build is not followed any more", model=self.name, reason=str(error))
            self.state = "rebuilding"
            forever: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            return await forever

    async def _follow(self) -> bool:
        """Apply what comes. False: the log was closed. True: begin again, with another build."""
        build = self._served.build
        assert build is not None
        heads = await self._log.heads()
        batches = self._log.follow(dict(build.positions))
        try:
            self._says_how_far(heads, is_applying=False)
            async for batch in batches:
                async with self._changing:
                    if build is not self._served.build:
                        return True
                    for first in range(0, len(batch), APPLIED_EVENTS_MAX):
                        part = batch[first : first + APPLIED_EVENTS_MAX]
                        await build.apply(part)
                        self._applied(part)
                self._back_off.begin_anew()
                if self.state != "live":
                    self._says_how_far(heads, is_applying=True)
                if 1 < len(batch) < READ_EVENTS_MAX:
                    await asyncio.sleep(GATHER_SECONDS)
                    await self._waiters.somebody(GATHER_SECONDS_MAX - GATHER_SECONDS)
        finally:
            await let_go(batches)
        return False

    def _applied(self, events: Sequence[RecordedEvent] | None) -> None:
        self._waiters.reached(self.positions)
        if self._on_applied is not None:
            self._on_applied(events)

    def _says_how_far(self, heads: Positions, *, is_applying: bool) -> None:
        """It is not fit again because the log has answered: what is behind must have been applied."""
        if all(self.positions.get(partition, 0) >= position for partition, position in heads.items()):
            self.state = "live"
        elif is_applying or not self.state.startswith("waiting"):
            self.state = "catching up"

    def _halt(self, why: str) -> None:
        self.state = f"halted: {why}"
        _log.critical("projector halted", model=self.name, why=why)
        self._waiters.give_up(self._not_there())

    # ── rebuilding ────────────────────────────────────────────────────────────────────────────────────

    async def rebuild(self) -> None:
        """Make the read model anew while the present one is served and followed, and switch to it.

        Returns when the former build has been dropped.
        """
        await self._rebuild()
        await self._renewal.swept()

    async def _rebuild(self) -> None:
        await self._renewal.run(is_serving=lambda: self.has_build, take_over=self._take_over)
        self._back_off.begin_anew()
        self._applied(None)

    def _take_over(self, build: Build) -> None:
        self._served.take_over(build)
        self._is_first_time = False

    def _told(self, progress: Progress) -> None:
        if not self.is_fit:
            self.state = f"rebuilding: {progress}"
        if self._on_progress is not None:
            self._on_progress(progress)

    async def replay_parked(self) -> int:
        """Try the streams again that are set aside, as after a fix. Returns how many have caught up."""
        return await self._served.replay_parked()

    # ── waiting ───────────────────────────────────────────────────────────────────────────────────────

    async def wait_for(self, partition: Partition, position: Position, timeout_seconds: float = WAIT_SECONDS) -> None:
        """Return when reads reflect the position.

        Raises:
            Unavailable: they do not within that time.
        """
        if self.positions.get(partition, 0) >= position and self.has_build:
            return
        if self.state.startswith("halted"):
            raise self._not_there()
        try:
            await self._waiters.wait(partition, position, timeout_seconds)
        except TimeoutError:
            raise self._not_there() from None

    def _not_there(self) -> Unavailable:
        return Unavailable(
            f"{self.name} does not reflect that position yet ({self.state}). Please try again.",
            retry_after_seconds=1.0,
        )
