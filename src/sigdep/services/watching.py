"""How far a read model has come that another process projects: looked up in the read store that both share."""

import asyncio
from collections.abc import Callable
from typing import Final

from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import ModelGone, ModelId, ReadStore
from sigdep.services.projecting import tables_of
from sigdep.services.waiters import Waiters

WAIT_SECONDS: Final = 5.0
"""How long a read waits for a position, unless told otherwise."""

LOOK_SECONDS: Final = 0.25
"""Between looks while nobody waits."""

WAITED_SECONDS: Final = 0.02
"""Between looks while somebody does."""


class Watcher:
    """A Progress, as read services know it, of a read model that is somebody else's to fill.

    `state`: "starting", "watching", "waiting: why".
    """

    def __init__(self, read_store: ReadStore, read_model: ReadModel, waiters: Waiters | None = None) -> None:
        self.state = "starting"
        self._read_store = read_store
        self._read_model = read_model
        self._waiters = Waiters() if waiters is None else waiters
        self._model: ModelId | None = None
        self._positions: Positions = {}
        self._wanted = asyncio.Event()

    @property
    def name(self) -> str:
        return self._read_model.name

    @property
    def model_id(self) -> ModelId:
        """The build to read from. Take it anew for each request.

        Raises:
            Unavailable: there is none yet.
        """
        if self._model is None:
            raise Unavailable(f"{self.name} is not ready yet: {self.state}.", retry_after_seconds=1.0)
        return self._model

    @property
    def has_build(self) -> bool:
        """True: there is something to read from."""
        return self._model is not None

    @property
    def positions(self) -> Positions:
        """What a read that begins now reflects, at least."""
        return self._positions

    @property
    def is_fit(self) -> bool:
        return self.state == "watching"

    def saw(self, model: ModelId, positions: Positions) -> None:
        """Take over what somebody knows who has just looked, or has projected it."""
        self._model, self._positions, self.state = model, dict(positions), "watching"
        self._waiters.reached(self._positions)

    def look_soon(self) -> None:
        self._wanted.set()

    async def run(self, is_needed: Callable[[], bool] = lambda: True) -> None:
        """Look again and again, until cancelled.

        Args:
            is_needed: whether anybody asks us at present. While not, nothing is looked up.
        """
        while True:
            if is_needed():
                await self._try_to_look()
            await self._pause()

    async def _try_to_look(self) -> None:
        try:
            await self.look()
        except ModelGone:  # Between two statements another build has become the live one.
            self.look_soon()
        except Unavailable as error:
            self.state = f"waiting: {error.detail}"

    async def look(self) -> None:
        """Find the live build, and how far it has come. One made by other code will do if it has the same tables.

        Raises:
            Unavailable: the read store is away.
        """
        model = await self._read_store.live(self.name, tables_of(self._read_model))
        if model is None:
            self._model, self._positions = None, {}
            self.state = "waiting: nobody has made it yet"
        else:
            self.saw(model, await self._read_store.checkpoint(model))

    async def _pause(self) -> None:
        """Until the next look is due: soon where somebody waits, also if they come later."""
        await asyncio.sleep(WAITED_SECONDS)
        if len(self._waiters):
            return
        try:
            async with asyncio.timeout(LOOK_SECONDS - WAITED_SECONDS):
                await self._wanted.wait()
        except TimeoutError:
            return
        finally:
            self._wanted.clear()

    async def wait_for(self, partition: Partition, position: Position, timeout_seconds: float = WAIT_SECONDS) -> None:
        """Return when reads reflect the position.

        Raises:
            Unavailable: they do not within that time.
        """
        if self._positions.get(partition, 0) >= position and self._model is not None:
            return
        self.look_soon()
        try:
            await self._waiters.wait(partition, position, timeout_seconds)
        except TimeoutError:
            raise Unavailable(
                f"{self.name} does not reflect that position yet ({self.state}). Please try again.",
                retry_after_seconds=1.0,
            ) from None
