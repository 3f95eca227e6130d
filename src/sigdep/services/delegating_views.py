"""A read store that passes everything on to another: for those that do one thing otherwise."""

from collections.abc import Collection, Iterable, Mapping

from sigdep.kernel.ids import Positions
from sigdep.kernel.read_store import Changes, Condition, Key, ModelId, Page, ReadStore, Row, Select, Table


class DelegatingViews:
    """A ReadStore. The other one belongs to whoever opened it."""

    def __init__(self, stored: ReadStore) -> None:
        self._stored = stored

    async def live(self, name: str, tables: Iterable[Table] | None, fingerprint: str | None = None) -> ModelId | None:
        return await self._stored.live(name, tables, fingerprint)

    async def prepare(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId:
        return await self._stored.prepare(name, tables, fingerprint)

    async def begun(self, name: str) -> Collection[ModelId]:
        return await self._stored.begun(name)

    async def index(self, model: ModelId, tables: Iterable[Table]) -> None:
        await self._stored.index(model, tables)

    async def indexed(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId | None:
        return await self._stored.indexed(name, tables, fingerprint)

    async def switch(self, model: ModelId, tables: Iterable[Table]) -> None:
        await self._stored.switch(model, tables)

    async def mark_mixed(self, model: ModelId) -> None:
        await self._stored.mark_mixed(model)

    async def sweep(self, name: str, keep: Collection[ModelId] = ()) -> None:
        await self._stored.sweep(name, keep)

    async def checkpoint(self, model: ModelId) -> Positions:
        return await self._stored.checkpoint(model)

    async def commit(self, model: ModelId, changes: Changes, *, before: Positions, after: Positions) -> None:
        await self._stored.commit(model, changes, before=before, after=after)

    async def get(self, model: ModelId, table: Table, key: Key, columns: tuple[str, ...] | None = None) -> Row | None:
        return await self._stored.get(model, table, key, columns)

    async def get_many(
        self, model: ModelId, table: Table, keys: Collection[Key], columns: tuple[str, ...] | None = None
    ) -> Mapping[Key, Row]:
        return await self._stored.get_many(model, table, keys, columns)

    async def select(self, model: ModelId, select: Select) -> Page:
        return await self._stored.select(model, select)

    async def count(self, model: ModelId, table: Table, where: Condition) -> int:
        return await self._stored.count(model, table, where)

    async def close(self) -> None:
        """It is not ours."""
