"""Asks a search index which tasks may hold the words of a filter, so that the read store looks at no others."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Final, Literal, Protocol
from uuid import UUID

import structlog

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.errors import SigdepError, Unavailable
from sigdep.kernel.ids import Partition, Position, Positions, partition_of
from sigdep.kernel.read_store import All, Condition, Matches, ModelId, OneOf
from sigdep.kernel.search_index import HITS_MAX, SearchIndex
from sigdep.kernel.words import QUESTION_WORDS_MAX, question_words

CANDIDATES_MAX: Final = 1_000
"""Words that more tasks of the workspace have are too common for the index to be of use: the read store walks its
lists in their order, and soon has a page of them. It takes no more values at once either."""

BEHIND_SECONDS_MAX: Final = 0.25
"""How long a question waits for the index to reflect what the read model reflects."""

BEHIND_QUIET_SECONDS: Final = 1.0
AWAY_QUIET_SECONDS: Final = 5.0
"""So long the index is not asked after it was behind, or away: one that hangs costs few questions its time limit."""

Fault = Literal["behind", "away"]
Outcome = Literal["narrowed", "common"] | Fault
OUTCOMES: Final[tuple[Outcome, ...]] = ("narrowed", "common", "behind", "away")

_log = structlog.get_logger("sigdep.search")


class IndexProgress(Protocol):
    """How far the index has followed the log. A `LeasedProjector` is one."""

    @property
    def model_id(self) -> ModelId:
        """The build to ask.

        Raises:
            Unavailable: it is being made for the first time.
        """
        ...

    @property
    def positions(self) -> Positions: ...

    async def wait_for(self, partition: Partition, position: Position, timeout_seconds: float) -> None:
        """Return when questions to the index reflect the position.

        Raises:
            Unavailable: they do not within that time.
        """
        ...


class TextSearch:
    """Narrows conditions. It never changes what they find: the read store still compares the words.

    So it does not matter if the index knows more than the read store, or something that is no longer so. What it must
    not do is to know less: it is asked once it reflects all that the read model reflected before. Where it is away,
    behind, or finds too much, the condition stays as it is.
    """

    def __init__(self, index: SearchIndex, progress: IndexProgress) -> None:
        self._index = index
        self._progress = progress
        self._quiet_until = 0.0
        self._fault: Fault | None = None
        self.outcomes: Final[Counter[Outcome]] = Counter(dict.fromkeys(OUTCOMES, 0))

    async def narrowed(self, asked: Condition, workspace: WorkspaceId, reflected: Position) -> Condition:
        """The condition, with the ids of all tasks for which it may hold where every one of them must hold words.

        Args:
            reflected: what the read store reflects at least, in the workspace's partition.
        """
        words = _words(asked)
        if not words:
            return asked
        outcome, candidates = await self._ask(words, workspace, reflected)
        self.outcomes[outcome] += 1
        return All((OneOf("id", tuple(candidates)), asked)) if outcome == "narrowed" else asked

    async def _ask(
        self, words: Sequence[str], workspace: WorkspaceId, reflected: Position
    ) -> tuple[Outcome, Collection[UUID]]:
        now = asyncio.get_running_loop().time()
        if self._fault is not None and now < self._quiet_until:
            return self._fault, ()
        try:
            await self._progress.wait_for(partition_of(workspace), reflected, BEHIND_SECONDS_MAX)
        except Unavailable as error:
            return self._be_quiet("behind", now + BEHIND_QUIET_SECONDS, error), ()
        try:
            found = await self._index.search(self._progress.model_id, workspace, words, HITS_MAX)
        except SigdepError as error:
            return self._be_quiet("away", now + AWAY_QUIET_SECONDS, error), ()
        if self._fault is not None:
            _log.info("the search index is asked again")
            self._fault = None
        return ("narrowed", found) if len(found) <= CANDIDATES_MAX else ("common", ())

    def _be_quiet(self, fault: Fault, until: float, error: SigdepError) -> Fault:
        if fault != self._fault:
            _log.warning(f"the search index is {fault}, the read store searches", reason=error.detail)
        self._fault, self._quiet_until = fault, until
        return fault


def _words(asked: Condition) -> Sequence[str]:
    """Words that a row must have for the condition to hold: not all of them perhaps, and none that it need not have."""
    found = dict.fromkeys(word for text in _texts(asked) for word in question_words(text))
    return list(found)[:QUESTION_WORDS_MAX]


def _texts(condition: Condition) -> Iterator[str]:
    match condition:
        case Matches(text):
            yield text
        case All(parts):
            for part in parts:
                yield from _texts(part)
        case _:
            return  # A word beside an `or`, or after a `not`, is no word that every task must have.
