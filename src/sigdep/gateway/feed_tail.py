"""The end of one log as it arrives, at hand for all who wait for it: none of them asks the log again."""

from collections import deque
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Final

from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.store import RecordedEvent

KEPT_EVENTS_MAX: Final = 2_000
KEPT_SECONDS: Final = 5.0
"""Enough for those who are telling what came before. No longer: what is erased must not be told from memory."""

NOTHING: Final = Position(0)


class FeedTail:
    """Whoever follows the log says so by `begin`, `take` and `end`; others ask how far that has come."""

    def __init__(self) -> None:
        self._live = False
        self._reached: dict[Partition, Position] = {}
        self._begins: dict[Partition, Position] = {}
        """Nothing up to here is kept."""
        self._kept: dict[Partition, deque[RecordedEvent]] = {}
        self._order: deque[tuple[float, Partition]] = deque()
        """Of all that is kept, when it came and where it stands: the oldest first."""

    def begin(self, heads: Positions) -> None:
        """The log is followed from here."""
        self._live = True
        self._reached, self._begins = dict(heads), dict(heads)
        self._kept, self._order = {}, deque()

    def take(self, batch: Sequence[RecordedEvent]) -> None:
        """This has come."""
        now = monotonic()
        for recorded in batch:
            self._reached[recorded.partition] = recorded.position
            self._kept.setdefault(recorded.partition, deque()).append(recorded)
            self._order.append((now, recorded.partition))
        self._forget(now)

    def end(self) -> None:
        """The log is not followed any more."""
        self._live = False
        self._kept, self._order = {}, deque()

    def head(self, partition: Partition) -> Position | None:
        """How far the log goes there, as far as has been heard. None: it is not followed."""
        return self._reached.get(partition, NOTHING) if self._live else None

    def covers(self, partition: Partition, place: Position) -> bool:
        """Whether all that came after a place is kept."""
        self._forget(monotonic())
        return self._live and place >= self._begins.get(partition, NOTHING)

    def after(self, partition: Partition, place: Position) -> Iterator[RecordedEvent]:
        """What is kept of it, oldest first."""
        return (recorded for recorded in self._kept.get(partition, ()) if recorded.position > place)

    def _forget(self, now: float) -> None:
        while self._order and (len(self._order) > KEPT_EVENTS_MAX or now - self._order[0][0] > KEPT_SECONDS):
            _, partition = self._order.popleft()
            self._begins[partition] = self._kept[partition].popleft().position
