"""Projects a batch while the one before it is still being stored: twice the work in the same time, on two cores."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from types import TracebackType

from sigdep.kernel.ids import Positions
from sigdep.kernel.read_store import Changes, Key, ModelId, ReadStore, Row, Table
from sigdep.kernel.store import RecordedEvent
from sigdep.services.projecting import NO_FAULT_OF_AN_EVENT, Build


class Ahead:
    """Fills a build that nobody reads yet. At the end of the `async with` all of it is stored.

    It raises what `Build.apply` raises, perhaps one batch later; `Build.positions` always say what is stored.
    """

    def __init__(self, build: Build) -> None:
        self._build = build
        self._before: tuple[Sequence[RecordedEvent], Changes, asyncio.Task[Positions]] | None = None
        """The batch that is being stored."""

    async def __aenter__(self) -> "Ahead":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            await self._settle()
        elif self._before is not None:
            await asyncio.gather(self._before[2], return_exceptions=True)

    async def apply(self, batch: Sequence[RecordedEvent]) -> None:
        """Project the next events on top of what is being stored, and store them when that is done."""
        if self._before is not None and self._before[1].delete_where:
            await self._settle()  # Which rows a wide delete takes, only the store knows.
        stored = self._build.read_store if self._before is None else _Rows(self._build.read_store, self._before[1])
        try:
            changes = await self._build.project(batch, stored)
        except NO_FAULT_OF_AN_EVENT:
            raise
        except Exception:  # `Build.apply` finds out which event it was.
            await self._settle()
            await self._build.apply(batch)
            return
        if await self._settle():
            self._before = (batch, changes, asyncio.create_task(self._build.store(changes, batch)))
        else:
            await self._build.apply(batch)

    async def _settle(self) -> bool:
        """Wait for the batch before. False: it was stored otherwise than it was projected."""
        if self._before is None:
            return True
        batch, _, storing = self._before
        self._before = None
        try:
            await storing
        except NO_FAULT_OF_AN_EVENT:
            raise
        except Exception:
            await self._build.apply(batch)
            return False
        return True


class _Rows:
    """What the store will hold when changes have been stored that are on their way."""

    def __init__(self, store: ReadStore, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    @cached_property
    def _changed(self) -> Mapping[tuple[str, Key], Row | None]:
        """Made when it is asked for: a batch that only begins new streams never does, and an id is slow to hash."""
        changed: dict[tuple[str, Key], Row | None] = {(table.name, key): None for table, key in self._changes.delete}
        for table, row in self._changes.put:
            changed[table.name, tuple(row[column] for column in table.key)] = row
        return changed

    async def get_many(
        self, model: ModelId, table: Table, keys: Collection[Key], columns: tuple[str, ...] | None = None
    ) -> Mapping[Key, Row]:
        missing: list[Key] = []
        found: dict[Key, Row] = {}
        for key in keys:
            row = self._changed.get((table.name, key), _NOT_CHANGED)
            if row is _NOT_CHANGED:
                missing.append(key)
            elif row is not None:
                found[key] = row
        if missing:
            found.update(await self._store.get_many(model, table, missing, columns))
        return found


_NOT_CHANGED: Row = {}
