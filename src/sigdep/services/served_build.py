"""The build of a read model that reads are answered from: which it is, and until when."""

import asyncio
from typing import Final

import structlog

from sigdep.kernel.ids import Positions
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import ModelId, ReadStore
from sigdep.kernel.store import EventLog
from sigdep.services.projecting import Build, tables_of

LOOK_SECONDS: Final = 0.25
"""How often it is made sure that no other process has made another build the live one."""

_log = structlog.get_logger("sigdep.projector")


class ServedBuild:
    """The live build of this code, or one of other code until this code has made its own."""

    def __init__(self, log: EventLog, read_store: ReadStore, read_model: ReadModel, changing: asyncio.Lock) -> None:
        """
        Args:
            changing: held by whoever applies to the build, or replaces it.
        """
        self.build: Build | None = None
        self.is_older = False
        """True: it was begun by code of another fingerprint."""
        self._log = log
        self._read_store = read_store
        self._read_model = read_model
        self._changing = changing

    @property
    def positions(self) -> Positions:
        return {} if self.build is None else self.build.positions

    @property
    def parked_streams(self) -> int:
        return 0 if self.build is None else len(self.build.parked)

    def take_over(self, build: Build) -> None:
        """It has been made by this code, and is the live one."""
        self.build, self.is_older = build, False

    def forget(self) -> None:
        """Another process may change it from now on, or has dropped it."""
        self.build = None

    async def choose(self, *, replays_parked: bool) -> bool:
        """Look up the build to serve. False: there is none that this code can read.

        Args:
            replays_parked: whether streams that are set aside are tried again, where this code has set them aside.
        """
        tables = tables_of(self._read_model)
        if live := await self._read_store.live(self._read_model.name, tables, self._read_model.fingerprint):
            await self._take_up(live, is_older=False, replays_parked=replays_parked)
        elif older := await self._read_store.live(self._read_model.name, tables):
            # Were that code to come back, it could not tell its rows from ours.
            await self._read_store.mark_mixed(older)
            _log.info("an older build is followed until another is made", model=str(older))
            await self._take_up(older, is_older=True, replays_parked=False)
        else:
            self.forget()
            return False
        return True

    async def _take_up(self, model: ModelId, *, is_older: bool, replays_parked: bool) -> None:
        self.is_older = is_older
        async with self._changing:
            build = await Build(self._log, self._read_store, self._read_model, model).load()
            if replays_parked:
                await build.replay_parked()
            self.build = build

    async def replaced(self) -> None:
        """Return once it is not the live one any more."""
        tables, fingerprint = tables_of(self._read_model), self._read_model.fingerprint
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            async with self._changing:
                live = await self._read_store.live(self._read_model.name, tables, fingerprint)
                if self.build is None or live != self.build.model:
                    break
        if self.build is not None:
            _log.warning("the build that was served is not the live one any more", model=str(self.build.model))

    async def replay_parked(self) -> int:
        """Try the streams again that are set aside, as after a fix. Returns how many have caught up."""
        async with self._changing:
            return 0 if self.build is None else await self.build.replay_parked()
