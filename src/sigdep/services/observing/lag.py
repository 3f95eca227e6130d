"""How far each follower of a log is behind its end: in events, and in time.

Looked up when somebody asks. Nothing is counted on the way of an event, and a follower that has stopped falls behind in
these figures all the same, since it is the log that says what there is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Final, TypeVar

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sigdep.http.stamps import utc_now
from sigdep.kernel.codec import instant
from sigdep.kernel.errors import LogDamaged, SigdepError
from sigdep.kernel.ids import Positions
from sigdep.kernel.sealed_log import SealedLog
from sigdep.kernel.store import EventLog

T = TypeVar("T")

LOOK_SECONDS_MAX: Final = 2.0
"""Then a log has not answered, and how far its followers are behind is not known."""

OLDEST_EVENTS: Final = 64
"""As many as there are partitions: of each that is behind, the first event is among them."""

_LABELS: Final = ("follower", "kind")


@dataclass(frozen=True, kw_only=True)
class FollowedLog:
    """What must be known of a log: where it ends, and when the first event after a position was recorded."""

    heads: Callable[[], Awaitable[Positions]]
    oldest: Callable[[Positions], Awaitable[datetime | None]] | None
    """None: it is not ours to look into. Time counts from when we first saw that something is there."""


def followed_events(log: EventLog) -> FollowedLog:
    async def oldest(after: Positions) -> datetime | None:
        return min((event.recorded_at for event in await log.read_all(after, limit=OLDEST_EVENTS)), default=None)

    return FollowedLog(heads=log.heads, oldest=oldest)


def followed_rows(log: SealedLog) -> FollowedLog:
    async def oldest(after: Positions) -> datetime | None:
        return min((instant(row.recorded_us) for row in await log.next_rows(after, OLDEST_EVENTS)), default=None)

    return FollowedLog(heads=log.heads, oldest=oldest)


@dataclass(kw_only=True)
class Follower:
    """Whatever follows a log."""

    kind: str
    """`projection`, `reaction` or `relay`."""
    name: str
    log: FollowedLog
    positions: Callable[[], Positions | None]
    """How far it has come. None: nobody here knows, or it is another replica's to do."""
    is_fit: Callable[[], bool]
    parked: Callable[[], int] = lambda: 0
    """Streams that are set aside."""
    behind_since: float | None = field(default=None, init=False)
    """By our own steady clock, for a log that does not say since when."""
    lag: tuple[int, float] | None = field(default=None, init=False)
    """Events and seconds; None: not known."""

    async def look(self) -> None:
        """Raises nothing."""
        heads = await _answer_of(self.log.heads())
        positions = self.positions()  # Taken after the heads: whoever keeps up is then not behind.
        if heads is None or positions is None:
            self.lag = None
            return
        events = sum(max(0, head - positions.get(partition, 0)) for partition, head in heads.items())
        if not events:
            self.behind_since, self.lag = None, (0, 0.0)
            return
        self.behind_since = monotonic() if self.behind_since is None else self.behind_since
        oldest = None if self.log.oldest is None else await _answer_of(self.log.oldest(positions))
        known = 0.0 if oldest is None else (utc_now() - oldest).total_seconds()
        self.lag = events, max(known, monotonic() - self.behind_since)


async def _answer_of(question: Awaitable[T]) -> T | None:
    """None: the log is away, or cannot be read."""
    try:
        async with asyncio.timeout(LOOK_SECONDS_MAX):
            return await question
    except (SigdepError, LogDamaged, TimeoutError):
        return None


class Lag(Collector):
    """Of all followers in this process."""

    def __init__(self) -> None:
        self._followers: dict[tuple[str, str], Follower] = {}

    def add(self, follower: Follower) -> None:
        """In place of one of the same name: a role that is opened a second time has new ones."""
        self._followers[follower.name, follower.kind] = follower

    async def look(self) -> None:
        await asyncio.gather(*(follower.look() for follower in self._followers.values()))

    def collect(self) -> Iterator[Metric]:
        events = GaugeMetricFamily("sigdep_follower_lag_events", "Events not worked off yet.", labels=_LABELS)
        seconds = GaugeMetricFamily(
            "sigdep_follower_lag_seconds", "Since when the oldest of them is there; 0: there is none.", labels=_LABELS
        )
        fit = GaugeMetricFamily("sigdep_follower_fit", "1: it follows, or another replica does.", labels=_LABELS)
        parked = GaugeMetricFamily(
            "sigdep_follower_parked_streams", "Streams set aside: it fails on an event of theirs.", labels=_LABELS
        )
        for labels, follower in self._followers.items():
            parked.add_metric(labels, follower.parked())
            fit.add_metric(labels, follower.is_fit())
            if follower.lag is not None:
                events.add_metric(labels, follower.lag[0])
                seconds.add_metric(labels, follower.lag[1])
        yield from (events, seconds, fit, parked)
