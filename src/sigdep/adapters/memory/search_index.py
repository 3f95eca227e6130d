"""A search index in memory: what is found is what was there at the last refresh."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sigdep.kernel.ids import Position, WorkspaceId
from sigdep.kernel.read_store import ModelGone, ModelId
from sigdep.kernel.search_index import HITS_MAX, WALK_ENTRIES_MAX, Entry, EntryKey
from sigdep.kernel.words import row_words


@dataclass
class _Build:
    entries: dict[EntryKey, Entry] = field(default_factory=dict)
    shown: dict[EntryKey, Entry] = field(default_factory=dict)
    positions: dict[EntryKey, Position] = field(default_factory=dict)
    """Of the entries that have been forgotten too."""


class MemorySearchIndex:
    """For tests. See `SearchIndex`."""

    def __init__(self) -> None:
        self._builds: dict[ModelId, _Build] = {}

    async def create(self, build: ModelId) -> None:
        self._builds[build] = _Build()

    async def exists(self, build: ModelId) -> bool:
        return build in self._builds

    async def switch(self, build: ModelId) -> None:
        await self.refresh(build)

    async def sweep(self, name: str, keep: Collection[ModelId]) -> None:
        for build in list(self._builds):
            if build.name == name and build not in keep:
                del self._builds[build]

    async def write(self, build: ModelId, entries: Sequence[Entry]) -> None:
        found = self._build(build)
        for entry in entries:
            if found.positions.get(entry.key, 0) < entry.position:
                found.entries[entry.key] = entry
                found.positions[entry.key] = entry.position

    async def forget(self, build: ModelId, workspace: WorkspaceId) -> None:
        found = self._build(build)
        for key in [key for key in found.entries if key[0] == workspace]:
            del found.entries[key]
            found.shown.pop(key, None)

    async def refresh(self, build: ModelId) -> None:
        found = self._build(build)
        found.shown = dict(found.entries)

    async def get_many(self, build: ModelId, keys: Collection[EntryKey]) -> Mapping[EntryKey, Entry]:
        entries = self._build(build).entries
        return {key: entries[key] for key in keys if key in entries}

    async def walk(self, build: ModelId, after: EntryKey | None, limit: int) -> Sequence[Entry]:
        shown = self._build(build).shown
        keys = sorted(key for key in shown if after is None or key > after)
        return [shown[key] for key in keys[: min(limit, WALK_ENTRIES_MAX)]]

    async def search(
        self, build: ModelId, workspace: WorkspaceId, words: Collection[str], limit: int
    ) -> Collection[UUID]:
        shown = self._build(build).shown.values()
        found = [entry.id for entry in shown if words and entry.workspace == workspace and _has(entry, words)]
        return found[: min(limit, HITS_MAX)]

    async def close(self) -> None:
        self._builds.clear()

    def _build(self, build: ModelId) -> _Build:
        try:
            return self._builds[build]
        except KeyError:
            raise ModelGone(f"The search index has no {build}.") from None


def _has(entry: Entry, words: Collection[str]) -> bool:
    present = row_words(text for text in entry.texts if text is not None)
    return all(any(word.startswith(start) for word in present) for start in words)
