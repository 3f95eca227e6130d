"""Makes a read model anew beside the build that is served, takes its place, and drops what has been replaced."""

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

import structlog

from sigdep.kernel.errors import Unavailable
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import CheckpointMoved, ModelId, ReadStore
from sigdep.kernel.store import EventLog
from sigdep.services.projecting import Build, tables_of
from sigdep.services.rebuilding import (
    BATCH_EVENTS,
    SERVING_BATCH_EVENTS,
    OnProgress,
    Progress,
    begin,
    fill,
    now_and_then,
)

RETIRED_KEPT_SECONDS: Final = 10.0
"""After a switch the former build is kept for so long, for those who were reading it."""

_log = structlog.get_logger("sigdep.projector")


class Renewal:
    """Of one projector, as often as it is needed. A build that was begun and left is taken up again."""

    def __init__(
        self,
        log: EventLog,
        read_store: ReadStore,
        read_model: ReadModel,
        *,
        changing: asyncio.Lock,
        on_progress: OnProgress,
        retired_kept_seconds: float = RETIRED_KEPT_SECONDS,
        shares_builds: bool = False,
    ) -> None:
        """
        Args:
            shares_builds: other processes make builds too, see `sweep`.
            changing: held by whoever applies to the served build.
        """
        self.progress: Progress | None = None
        """How far the build is that is being made. None: none is."""
        self._log = log
        self._read_store = read_store
        self._read_model = read_model
        self._changing = changing
        self._on_progress = on_progress
        self._shares_builds = shares_builds
        self._retired_kept_seconds = retired_kept_seconds
        self._say = now_and_then(self._log_progress)
        self._filling: set[ModelId] = set()
        self._running = asyncio.Lock()
        self._builds = asyncio.Lock()
        """Held by whoever begins a build, or drops those that nobody has said to be filling."""
        self._sweeping: asyncio.Task[None] | None = None

    async def run(self, *, is_serving: Callable[[], bool], take_over: Callable[[Build], None]) -> None:
        """Make a build, switch to it, and let the former ones be swept later.

        Args:
            is_serving: whether others use the event loop meanwhile.
            take_over: is given the build that is the live one from now on. Nothing is applied to any build then.
        """
        async with self._running:
            await self._make_and_switch(is_serving, take_over)
        self.stop()
        self._sweeping = asyncio.create_task(self._sweep_later())

    async def _make_and_switch(self, is_serving: Callable[[], bool], take_over: Callable[[Build], None]) -> None:
        async with self._builds:
            build = await begin(self._log, self._read_store, self._read_model)
            self._filling.add(build.model)
        self._say = now_and_then(self._log_progress)
        began, done = time.monotonic(), sum(build.positions.values())
        try:
            await self._fill(build, is_serving)
            await self._fill(build, is_serving)  # What came during the long first time,
            async with self._changing:
                # and the rest, while nothing is applied to the former build: so no read goes back.
                await self._fill(build, is_serving)
                await self._read_store.switch(build.model, tables_of(self._read_model))
                take_over(build)
            if events := sum(build.positions.values()) - done:
                seconds = round(time.monotonic() - began, 3)
                _log.info("a read model has been made anew", model=str(build.model), events=events, seconds=seconds)
        finally:
            self._filling.discard(build.model)
            self.progress = None

    async def _fill(self, build: Build, is_serving: Callable[[], bool]) -> None:
        while True:
            events = SERVING_BATCH_EVENTS if is_serving() else BATCH_EVENTS
            try:
                await fill(build, self._log, self._note, batch_events=events)
                return
            except CheckpointMoved:  # Another process fills the same build: go on from where it is.
                await build.load()

    def _note(self, progress: Progress) -> None:
        self.progress = progress
        self._on_progress(progress)
        self._say(progress)

    def _log_progress(self, progress: Progress) -> None:
        _log.info(
            "a read model is made anew",
            model=self._read_model.name,
            done_events=progress.done,
            all_events=progress.total,
            events_per_second=round(progress.events_per_second),
        )

    # ── what has been replaced ────────────────────────────────────────────────────────────────────────

    async def _sweep_later(self) -> None:
        await asyncio.sleep(self._retired_kept_seconds)
        with suppress(Unavailable):  # The next start sweeps too.
            await self.sweep()

    async def sweep(self) -> None:
        """Drop every build but the live one and those that are being made, here or by a release that is rolled out."""
        async with self._builds:
            newer = await self._newer() if self._shares_builds else ()
            await self._read_store.sweep(self._read_model.name, keep={*self._filling, *newer})

    async def _newer(self) -> Collection[ModelId]:
        """What was begun after the live one is another release's. What was begun before it has been left for good."""
        live = await self._read_store.live(self._read_model.name, None)
        begun = await self._read_store.begun(self._read_model.name)
        return [model for model in begun if live is None or model.build > live.build]

    async def swept(self) -> None:
        """Return when the builds that the last `run` replaced have been dropped."""
        if self._sweeping is not None:
            await asyncio.wait([self._sweeping])

    def stop(self) -> None:
        """Sweep no more: somebody else will."""
        if self._sweeping is not None:
            self._sweeping.cancel()
