"""When the clocks of a zone change, as the time zone database says it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

_STRIDE: Final = timedelta(days=7)
"""No zone has changed its clocks and changed them back within a week: Morocco's Ramadan takes a month."""
_SECOND: Final = timedelta(seconds=1)


class Transition(NamedTuple):
    """From `instant` (UTC) on the clocks are `after` ahead of UTC, and were `before` until then."""

    instant: datetime
    before: timedelta
    after: timedelta
    name: str
    """What the time is called from then on, as CEST."""


def offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    found = instant.astimezone(zone).utcoffset()
    assert found is not None
    return found


@lru_cache(maxsize=2_000)
def transitions(zone: ZoneInfo, first_year: int, last_year: int) -> tuple[Transition, ...]:
    """Those of these years, in UTC, in order."""
    return tuple(_find(zone, datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)))


def _find(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[Transition]:
    instant, before = begin, offset(zone, begin)
    while instant < end:
        later = min(instant + _STRIDE, end)
        after = offset(zone, later)
        if after != before:
            at = _change(zone, instant, later, before)
            if at == end:
                return
            yield Transition(at, before, after, at.astimezone(zone).tzname() or "")
        instant, before = later, after


def _change(zone: ZoneInfo, early: datetime, late: datetime, before: timedelta) -> datetime:
    """The first second with another offset, which lies after `early` and not after `late`."""
    while late - early > _SECOND:
        middle = early + (late - early) // 2
        middle = middle.replace(microsecond=0)
        if offset(zone, middle) == before:
            early = middle
        else:
            late = middle
    return late
