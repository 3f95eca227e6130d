"""A read model whose searched table is kept in a search index, and all else of it in a read store."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, TypeVar
from uuid import UUID

import structlog

from sigdep.kernel.conditions import only
from sigdep.kernel.errors import Invalid
from sigdep.kernel.ids import Position, Positions, WorkspaceId
from sigdep.kernel.read_store import (
    All,
    Changes,
    CheckpointMoved,
    Compare,
    Condition,
    Key,
    ModelGone,
    ModelId,
    Page,
    ReadStore,
    Row,
    Select,
    Table,
)
from sigdep.kernel.search_index import Entry, EntryKey, SearchIndex

REFRESH_EVERY_SECONDS: Final = 0.05
"""Of the live build, at most: each refresh makes a small file, which the server must merge with others later."""

LOOK_SECONDS: Final = 5.0
"""How often it is made sure that the index of the live build is still there."""

T = TypeVar("T")

_log = structlog.get_logger("sigdep.search")


class IndexedViews:
    """A ReadStore for the projector of one such read model, and for proving it.

    The read store has the builds, which of them is live, the checkpoints and every other table. A batch goes to the
    index first, and then to the read store with the checkpoint: what the checkpoint says is there, and can be
    found in the live build. After a crash between the two the batch is written again, which changes nothing.

    Of the searched table, rows can be had by key and walked in the order of the key, no more: whoever has
    words asks the index. Both belong to whoever opened them.
    """

    def __init__(self, views: ReadStore, index: SearchIndex, table: Table) -> None:
        """
        Args:
            table: its key is a workspace and an id; beside it and the search columns it has `position`, the event's.
        """
        self._views = views
        self._index = index
        self._table = table
        self._live: ModelId | None = None
        """As far as whoever fills it knows: what is written to it must be found."""
        self._lost: set[ModelId] = set()
        """Builds that the read store has and the index does not."""
        self._looked_at = -LOOK_SECONDS
        self._refreshed_at = -REFRESH_EVERY_SECONDS

    # ── builds ────────────────────────────────────────────────────────────────────────────────────────

    async def live(self, name: str, tables: Iterable[Table] | None, fingerprint: str | None = None) -> ModelId | None:
        """None too where the index has lost it, for whoever names a fingerprint: that is who can make it anew."""
        found = await self._views.live(name, tables, fingerprint)
        if found is not None and fingerprint is not None:
            await self._look_for(found)
        if found in self._lost:
            return None
        if fingerprint is not None:
            self._live = found
        return found

    async def _look_for(self, model: ModelId) -> None:
        now = asyncio.get_running_loop().time()
        if model == self._live and now - self._looked_at < LOOK_SECONDS:
            return
        if not await self._index.exists(model):
            self._lose(model)
        self._looked_at = now

    def _lose(self, model: ModelId) -> None:
        if model not in self._lost:
            _log.warning("the search index has lost a build, another is made", model=str(model))
            self._lost.add(model)

    async def prepare(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId:
        tables = list(tables)
        model = await self._views.prepare(name, tables, fingerprint)
        begun = await self._views.checkpoint(model)
        if begun and await self._index.exists(model):
            return model
        await self._index.create(model)  # Whatever has its name is of another life of the read store.
        self._lost.discard(model)
        if begun := await self._views.checkpoint(model):
            await self._begin_anew(model, tables, begun)
        return model

    async def _begin_anew(self, model: ModelId, tables: Sequence[Table], begun: Positions) -> None:
        everything = [(table, All(())) for table in tables if table.name != self._table.name]
        nowhere = dict.fromkeys(begun, Position(0))
        await self._views.commit(model, Changes(everything, (), ()), before=begun, after=nowhere)

    async def begun(self, name: str) -> Collection[ModelId]:
        return await self._views.begun(name)

    async def index(self, model: ModelId, tables: Iterable[Table]) -> None:
        await self._index.refresh(model)
        await self._views.index(model, tables)
        self._live = model  # It is read from, from now on.

    async def indexed(self, name: str, tables: Iterable[Table], fingerprint: str) -> ModelId | None:
        found = await self._views.indexed(name, tables, fingerprint)
        if found is not None:
            await self._look_for(found)
        if found is None or found in self._lost:
            return None
        self._live = found
        return found

    async def switch(self, model: ModelId, tables: Iterable[Table]) -> None:
        await self._index.switch(model)
        await self._views.switch(model, tables)
        self._live = model

    async def mark_mixed(self, model: ModelId) -> None:
        await self._views.mark_mixed(model)
        self._live = model  # It is about to be written to, and is what searches go to.

    async def sweep(self, name: str, keep: Collection[ModelId] = ()) -> None:
        await self._views.sweep(name, keep)
        kept = set(keep)
        if self._live is not None and self._live.name == name:
            kept.add(self._live)
        await self._index.sweep(name, kept)

    async def checkpoint(self, model: ModelId) -> Positions:
        return await self._views.checkpoint(model)

    # ── batches ───────────────────────────────────────────────────────────────────────────────────────

    async def commit(self, model: ModelId, changes: Changes, *, before: Positions, after: Positions) -> None:
        forgotten = [_workspace_of(where) for where in self._ours(changes.delete_where)]
        entries = [self._entry(row) for row in self._ours(changes.put)]
        # A row that the batch has put and then forgotten comes as a delete too.
        if any(_entry_key(key)[0] not in forgotten for key in self._ours(changes.delete)):
            raise Invalid(f"{self._table.name} is kept in a search index, which forgets whole workspaces.")
        if forgotten or entries:
            await self._check_checkpoint(model, before)
            try:
                await self._write(model, forgotten, entries)
            except ModelGone:
                self._lose(model)
                raise
        rest = Changes(self._others(changes.delete_where), self._others(changes.delete), self._others(changes.put))
        await self._views.commit(model, rest, before=before, after=after)

    def _ours(self, changes: Iterable[tuple[Table, T]]) -> list[T]:
        return [change for table, change in changes if table.name == self._table.name]

    def _others(self, changes: Iterable[tuple[Table, T]]) -> list[tuple[Table, T]]:
        return [(table, change) for table, change in changes if table.name != self._table.name]

    async def _check_checkpoint(self, model: ModelId, before: Positions) -> None:
        """The index has no transaction with the checkpoint: so a projector that slept looks before it writes there."""
        present = await self._views.checkpoint(model)
        if any(present.get(partition, 0) != position for partition, position in before.items()):
            raise CheckpointMoved(f"{model} has moved on: another projector was here.")

    async def _write(self, model: ModelId, forgotten: Sequence[WorkspaceId], entries: Sequence[Entry]) -> None:
        for workspace in forgotten:
            await self._index.forget(model, workspace)
        if entries:
            await self._index.write(model, entries)
        if model == self._live:
            await self._refresh(model)

    async def _refresh(self, model: ModelId) -> None:
        """At once after a while without one; else when its time has come."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._refreshed_at + REFRESH_EVERY_SECONDS - loop.time()))
        await self._index.refresh(model)
        self._refreshed_at = loop.time()

    # ── questions ─────────────────────────────────────────────────────────────────────────────────────

    async def get(self, model: ModelId, table: Table, key: Key, columns: tuple[str, ...] | None = None) -> Row | None:
        return (await self.get_many(model, table, [key], columns)).get(key)

    async def get_many(
        self, model: ModelId, table: Table, keys: Collection[Key], columns: tuple[str, ...] | None = None
    ) -> Mapping[Key, Row]:
        if table.name != self._table.name:
            return await self._views.get_many(model, table, keys, columns)
        try:
            found = await self._index.get_many(model, [_entry_key(key) for key in keys])
        except ModelGone:
            self._lose(model)
            raise
        return {entry.key: only(self._row(entry), columns) for entry in found.values()}

    async def select(self, model: ModelId, select: Select) -> Page:
        if select.table.name != self._table.name:
            return await self._views.select(model, select)
        if select.where != All(()) or select.order:
            raise Invalid(f"{self._table.name} is kept in a search index: it is walked in the order of its key alone.")
        if select.after is None:
            await self._index.refresh(model)
        after = None if select.after is None else _entry_key(select.after)
        found = await self._index.walk(model, after, select.limit)
        rows = [only(self._row(entry), select.columns) for entry in found]
        return Page(rows, found[-1].key if len(found) == select.limit else None)

    async def count(self, model: ModelId, table: Table, where: Condition) -> int:
        if table.name == self._table.name:
            raise Invalid(f"{self._table.name} is kept in a search index, which does not count.")
        return await self._views.count(model, table, where)

    async def close(self) -> None:
        """Neither is ours."""

    # ── rows and entries ──────────────────────────────────────────────────────────────────────────────

    def _entry(self, row: Row) -> Entry:
        workspace, identity = _entry_key(tuple(row[column] for column in self._table.key))
        position = row["position"]
        assert isinstance(position, int)
        texts = tuple(row[column] for column in self._table.search)
        return Entry(
            id=identity,
            workspace=workspace,
            position=Position(position),
            texts=tuple(text if isinstance(text, str) else None for text in texts),
        )

    def _row(self, entry: Entry) -> Row:
        return {
            **dict(zip(self._table.key, entry.key, strict=True)),
            "position": entry.position,
            **dict(zip(self._table.search, entry.texts, strict=True)),
        }


def _entry_key(key: Key) -> EntryKey:
    workspace, identity = key
    assert isinstance(workspace, UUID)
    assert isinstance(identity, UUID)
    return WorkspaceId(workspace), identity


def _workspace_of(where: Condition) -> WorkspaceId:
    """
    Raises:
        Invalid: it says something else than which workspace.
    """
    match where:
        case Compare("workspace_id", "=", UUID() as workspace):
            return WorkspaceId(workspace)
        case _:
            raise Invalid("A search index forgets whole workspaces and nothing else.")
