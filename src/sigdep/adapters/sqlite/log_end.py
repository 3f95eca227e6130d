"""The end of the log as it was written: whoever follows closely is handed it, and does not read and open it again."""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from functools import cached_property
from itertools import chain
from typing import Any, Final

from sigdep.kernel.codec import instant, with_number
from sigdep.kernel.ids import Positions, SubjectId
from sigdep.kernel.messages import Event
from sigdep.kernel.store import READ_EVENTS_MAX, Append, RecordedEvent, StreamWrite

KEPT_EVENTS_MAX: Final = READ_EVENTS_MAX
"""So that all of it is one batch."""

KEPT_SECONDS: Final = 0.5
"""For those who are a little behind. No longer: what is erased must not stay in memory."""


class Commit:
    """What one transaction has added to the log."""

    def __init__(
        self, appends: Sequence[Append], rows: Sequence[tuple[Any, ...]], before: Positions, after: Positions
    ) -> None:
        """
        Args:
            appends: those that were accepted.
            rows: of their events, in the same order.
            before: where the log ended before it.
            after: where the log ends with it.
        """
        self.before = before
        self.after = after
        self.size = len(rows)
        self._appends = appends
        self._rows = rows

    @cached_property
    def subjects(self) -> set[SubjectId]:
        """Whose keys seal its events."""
        return {write.subject for append in self._appends for write in append.writes}

    @cached_property
    def events(self) -> Sequence[RecordedEvent]:
        """As a reader would find them. Made when somebody first asks."""
        written = (
            (append, write, event) for append in self._appends for write in append.writes for event in write.events
        )
        return [_recorded(row, *by) for row, by in zip(self._rows, written, strict=True)]


def _recorded(row: tuple[Any, ...], append: Append, write: StreamWrite, event: Event) -> RecordedEvent:
    _, partition, position, recorded_us, _, stream, version, _, kind, *_, number, _ = row
    return RecordedEvent(
        partition=partition,
        position=position,
        workspace=append.workspace,
        stream=stream,
        version=version,
        subject=write.subject,
        command_id=append.command_id,
        type=kind,
        recorded_at=instant(recorded_us),
        metadata=append.metadata,
        event=event if number is None else with_number(event, number),
    )


class LogEnd:
    """The last commits, for a moment."""

    def __init__(self, heads: Positions) -> None:
        """
        Args:
            heads: where the log ends now.
        """
        self._heads = heads
        self._commits: deque[tuple[float, Commit]] = deque()
        """Each with the time when it came, the oldest first."""
        self._events = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, commit: Commit) -> None:
        """To be called once it is durable, and before anybody can add another."""
        now = asyncio.get_running_loop().time()
        self._heads = commit.after
        self._commits.append((now, commit))
        self._events += commit.size
        while self._events > KEPT_EVENTS_MAX:
            self._drop()
        if self._timer is None:
            self._forget_later(now + KEPT_SECONDS)

    def after(self, place: Positions) -> Sequence[Commit] | None:
        """The commits that hold all that comes after a place, oldest first. None: that is not at hand any more."""
        if _covers(place, self._heads):
            return ()
        newer: deque[Commit] = deque()
        for _, commit in reversed(self._commits):
            newer.appendleft(commit)
            if _covers(place, commit.before):
                return newer
        return None

    def forget(self) -> None:
        """Keep nothing."""
        self._commits.clear()
        self._events = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drop(self) -> None:
        _, commit = self._commits.popleft()
        self._events -= commit.size

    def _forget_later(self, when: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(when, self._forget_old)

    def _forget_old(self) -> None:
        self._timer = None
        oldest = asyncio.get_running_loop().time() - KEPT_SECONDS
        while self._commits and self._commits[0][0] <= oldest:
            self._drop()
        if self._commits:
            self._forget_later(self._commits[0][0] + KEPT_SECONDS)


def events_after(place: Positions, commits: Collection[Commit]) -> list[RecordedEvent]:
    """What they hold that comes after a place."""
    return [
        recorded
        for recorded in chain.from_iterable(commit.events for commit in commits)
        if recorded.position > place.get(recorded.partition, 0)
    ]


def _covers(place: Positions, other: Positions) -> bool:
    """Whether everything up to the other place is before this one."""
    return place == other or all(place.get(partition, 0) >= position for partition, position in other.items())
