"""The port of the search index: which rows hold words, asked beside the read store and not in its place."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from sigdep.kernel.ids import Position, WorkspaceId
from sigdep.kernel.read_store import ModelId

HITS_MAX: Final = 1_001
"""Of one question: a thousand, and one by which is seen that there are more. Whoever needs more asks a read store."""

WALK_ENTRIES_MAX: Final = 1_000


EntryKey = tuple[WorkspaceId, UUID]


class Entry(Struct, frozen=True, kw_only=True):
    """One row as the index has it."""

    id: UUID
    workspace: WorkspaceId
    position: Position
    """Of the event that last changed it."""
    texts: tuple[str | None, ...]
    """Of the search columns, in their order. Their words are found: `kernel.words.row_words`."""

    @property
    def key(self) -> EntryKey:
        return self.workspace, self.id


class SearchIndex(Protocol):
    """Finds ids by words, in builds as a read store has them.

    **Words.** An entry is found by the words of its texts as `kernel.words` makes them: without regard to case and
    accents, cut to WORD_CHARACTERS_MAX, the first ROW_WORDS_MAX different ones of a row. A question is a collection
    of such words; an entry is a hit where each of them begins one of its words.

    **Hits.** Ids of one workspace, in no order, each once. A hit says no more than that the entry which the index has
    is one: whether its row still is, who may see it, and what stands in it, only the read store says. Where there are
    more hits than asked for, some of them come, and which ones is not said.

    **Order.** The position decides, not the order of arrival: an entry takes the place of one with a lower position,
    and changes nothing where the index has the same or a higher one. So writing is safe to repeat, and a writer that
    was asleep does no harm.

    **When.** What `write` and `forget` have done is there for `get_many` when they return, and for `search` and
    `walk` once `refresh` has returned after them; perhaps sooner. It is on disk by then, as far as the server
    promises that.

    **Erasure.** `forget` removes what the index has of a workspace, its words included. A late `write` of an entry
    that it has removed, with the position that it had, changes nothing for an hour.

    Every method that names a build raises ModelGone where the index does not have it, so that a lost index is noticed,
    and every method raises Unavailable while the index cannot be reached, has no room or takes too long. Nothing of
    what stands in entries and questions is in those errors.
    """

    async def create(self, build: ModelId) -> None:
        """An empty build, in place of whatever has its name."""
        ...

    async def exists(self, build: ModelId) -> bool: ...

    async def switch(self, build: ModelId) -> None:
        """Show it, to those who look at the index with other tools, as the one of its name. Refreshed."""
        ...

    async def sweep(self, name: str, keep: Collection[ModelId]) -> None:
        """Drop every build of the name but those to keep."""
        ...

    async def write(self, build: ModelId, entries: Sequence[Entry]) -> None:
        """Insert or replace. Where it raises, some of them may have been written: write all of them again.

        Raises:
            Invalid: the index cannot take one of them, whatever the time.
        """
        ...

    async def forget(self, build: ModelId, workspace: WorkspaceId) -> None: ...

    async def refresh(self, build: ModelId) -> None:
        """Let `search` find what has been written. It costs some milliseconds, however little that is."""
        ...

    async def get_many(self, build: ModelId, keys: Collection[EntryKey]) -> Mapping[EntryKey, Entry]:
        """The entries that exist, by their keys."""
        ...

    async def walk(self, build: ModelId, after: EntryKey | None, limit: int) -> Sequence[Entry]:
        """The next entries in the order of their keys, at most WALK_ENTRIES_MAX. As `search`, it sees what is shown."""
        ...

    async def search(
        self, build: ModelId, workspace: WorkspaceId, words: Collection[str], limit: int
    ) -> Collection[UUID]:
        """The hits, at most `limit`, and no more than HITS_MAX. Where no words are given there are none.

        It takes half a second at most: whoever asks has another way to find out.
        """
        ...

    async def close(self) -> None: ...
