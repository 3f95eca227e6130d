"""Where a question is answered from: the live read model, or the rows as they were at some time."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from sigdep.kernel.conditions import only, page
from sigdep.kernel.ids import Position, WorkspaceId, partition_of
from sigdep.kernel.read_store import Key, ModelId, Page, ReadStore, Row, Select, Table
from sigdep.reading.progress import Progress
from sigdep.rpc.call import WorkspacePosition

ROWS_AT_ONCE_MAX: Final = 2_000
"""So many rows are looked through in the event loop, in some milliseconds; more in a thread beside it."""


class View(Protocol):
    """The rows of a context at one time."""

    def position(self, workspace: WorkspaceId) -> WorkspacePosition:
        """What answers about the workspace reflect, at the least."""
        ...

    async def get(self, table: Table, key: Key, columns: tuple[str, ...]) -> Row | None: ...

    async def get_many(self, table: Table, keys: Sequence[Key], columns: tuple[str, ...]) -> Mapping[Key, Row]: ...

    async def select(self, select: Select) -> Page: ...


class LiveView:
    """The present, as far as it has been projected."""

    def __init__(self, context: str, store: ReadStore, progress: Progress) -> None:
        self._context = context
        self._store = store
        self._positions = dict(progress.positions)
        self.model: ModelId = progress.model_id

    def position(self, workspace: WorkspaceId) -> WorkspacePosition:
        partition = partition_of(workspace)
        return WorkspacePosition(self._context, partition, self._positions.get(partition, Position(0)))

    async def get(self, table: Table, key: Key, columns: tuple[str, ...]) -> Row | None:
        return await self._store.get(self.model, table, key, columns)

    async def get_many(self, table: Table, keys: Sequence[Key], columns: tuple[str, ...]) -> Mapping[Key, Row]:
        return await self._store.get_many(self.model, table, keys, columns)

    async def select(self, select: Select) -> Page:
        return await self._store.select(self.model, select)


class PastView:
    """Rows of one workspace in memory."""

    def __init__(self, reflected: WorkspacePosition, rows: Mapping[str, Mapping[Key, Row]]) -> None:
        self._reflected = reflected
        self._rows = rows

    @property
    def size(self) -> int:
        return sum(map(len, self._rows.values()))

    def position(self, workspace: WorkspaceId) -> WorkspacePosition:
        return self._reflected

    async def get(self, table: Table, key: Key, columns: tuple[str, ...]) -> Row | None:
        row = self._rows.get(table.name, {}).get(key)
        return None if row is None else only(row, columns)

    async def get_many(self, table: Table, keys: Sequence[Key], columns: tuple[str, ...]) -> Mapping[Key, Row]:
        rows = self._rows.get(table.name, {})
        return {key: only(rows[key], columns) for key in keys if key in rows}

    async def select(self, select: Select) -> Page:
        rows = self._rows.get(select.table.name, {})
        if len(rows) <= ROWS_AT_ONCE_MAX:
            return page(select, rows.values())
        return await asyncio.to_thread(page, select, rows.values())
