"""The read store as it looks to a release whose rows are not live yet, since another one serves its own."""

from collections.abc import Collection, Iterable
from typing import Final

from sigdep.kernel.errors import Unavailable
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import ModelId, ReadStore, Table
from sigdep.services.delegating_views import DelegatingViews


class NotYetLive(DelegatingViews):
    """For the projectors and watchers of one read model: live is to them the build of this code that has its indexes.

    So they fill it, follow the log into it and read from it as ever, and what the other release serves stays as it is.
    """

    def __init__(self, stored: ReadStore, read_model: ReadModel) -> None:
        super().__init__(stored)
        self._fingerprint: Final = read_model.fingerprint

    async def live(self, name: str, tables: Iterable[Table] | None, fingerprint: str | None = None) -> ModelId | None:
        return await self._stored.indexed(name, tables or (), self._fingerprint)

    async def prepare(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId:
        """
        Raises:
            Unavailable: the build of this code is the live one by now, and another would be nobody's.
        """
        tables = list(tables)
        if await self._stored.live(name, tables) is not None:
            raise Unavailable(f"The rows that this release has made of {name} are the live ones by now.")
        return await self._stored.prepare(name, tables, fingerprint)

    async def switch(self, model: ModelId, tables: Iterable[Table]) -> None:
        await self._stored.index(model, tables)

    async def mark_mixed(self, model: ModelId) -> None:
        """No other code writes to it."""

    async def sweep(self, name: str, keep: Collection[ModelId] = ()) -> None:
        """That is for whoever fills the live one."""
