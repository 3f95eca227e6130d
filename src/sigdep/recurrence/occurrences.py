"""What people ask of a series: what is on between two instants, what comes next, what became of one occurrence."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush, merge
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from sigdep.kernel.errors import Invalid
from sigdep.recurrence.budget import Budget
from sigdep.recurrence.duration import Duration
from sigdep.recurrence.expansion import midnight
from sigdep.recurrence.originals import Original, Originals, Rank
from sigdep.recurrence.series import Override, Series, When
from sigdep.recurrence.zones import EARLIEST, LATEST, earliest_wall, latest_wall, shift, to_instant, to_wall, zone_named

_DAY: Final = timedelta(days=1)
_ABOUT: Final = timedelta(hours=50)
"""No two clocks in the world are further apart, nor does any leap by more, together."""


class Span(Struct, frozen=True):
    """From one instant on (UTC), and before another if there is one, seen from a zone.

    The zone says when dates and floating times are: New Year begins in Auckland half a day before it does in Berlin.
    """

    begin: datetime
    end: datetime | None = None
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.begin.tzinfo is None or (self.end is not None and self.end.tzinfo is None):
            raise Invalid("A span of time lies between instants, not between times on a wall.")


class Occurrence(Struct, frozen=True, kw_only=True):
    """One time that it happens, as it is after all overrides."""

    original: When
    """The start that the series gives it, on the wall of the series: its identity, whatever becomes of it."""
    start: When
    end: When
    """On the wall of `zone`; the first day after it, for dates."""
    zone: str | None
    starts_at: datetime
    ends_at: datetime
    """UTC; where the occurrence has no zone, as seen from the zone of the question."""
    override: When | None = None
    """The original of the override that it follows: its own one, or that of a range."""


def occurrences(series: Series, span: Span, budget: Budget | None = None) -> Iterator[Occurrence]:
    """Those that are on at some time of the span, in the order of their starts, lazily. One that does not last is on
    if it starts in the span.

    Raises:
        RuleTooCostly: while they are iterated over, when the budget is used up.
    """
    return _Reading(series, span.zone, budget or Budget()).on_within(span.begin, span.end)


def next_after(series: Series, instant: datetime, zone: str = "UTC", budget: Budget | None = None) -> Occurrence | None:
    """The first that starts after the instant. Raises RuleTooCostly when the search takes too long."""
    found = _Reading(series, zone, budget or Budget()).starting(instant)
    return next((one for one in found if one.starts_at > instant), None)


def occurrence(series: Series, original: When, zone: str = "UTC", budget: Budget | None = None) -> Occurrence | None:
    """What became of the one that the series starts then; None where it has none, or it was cancelled or excluded."""
    return _Reading(series, zone, budget or Budget()).of(original)


class _Stretch(Struct, frozen=True):
    """The originals from one key on and before another, to which one range override applies, or none."""

    begin: datetime
    end: datetime | None
    override: Override | None
    moved: timedelta = timedelta(0)


class _Reading:
    """One question about one series."""

    def __init__(self, series: Series, zone: str, budget: Budget) -> None:
        self._series = series
        self._asked_from = zone_named(zone)
        self._place = self._asked_from if series.zone is None else zone_named(series.zone)
        self._lasts = series.lasts
        self._originals = Originals(series, budget)
        self._own = {self._originals.key(one.original): one for one in series.overrides if not one.following}
        self._stretches = self._make_stretches()
        self._longest = max(map(_at_most, _durations(series)))

    def on_within(self, begin: datetime, end: datetime | None) -> Iterator[Occurrence]:
        for one in self.starting(shift(begin, -self._longest), LATEST if end is None else end):
            if (one.ends_at > begin or one.starts_at == one.ends_at >= begin) and (end is None or one.starts_at < end):
                yield one

    def starting(self, instant: datetime, last: datetime = LATEST) -> Iterator[Occurrence]:
        """All that start at these instants or between them, in order, and perhaps some beside them."""
        parts = [found for one in self._stretches if (found := self._of_stretch(one, instant, last)) is not None]
        if self._own:
            parts.append(iter(sorted(self._own_between(instant, last), key=self._order)))
        return parts[0] if len(parts) == 1 else merge(*parts, key=self._order)

    def _own_between(self, instant: datetime, last: datetime) -> Iterator[Occurrence]:
        early, late = shift(instant, -_ABOUT), shift(last, _ABOUT)
        for override in self._own.values():
            near = early <= midnight(override.start or override.original).replace(tzinfo=UTC) <= late
            if near and not override.cancelled:
                one = self._made(self._original(override), override)
                if instant <= one.starts_at <= last:
                    yield one

    def of(self, when: When) -> Occurrence | None:
        key = self._originals.key(when)
        own = self._own.get(key)
        if own is not None:
            return None if own.cancelled else self._made(self._original(own), own)
        original = next(self._originals.between(key, key), None)
        if original is None:
            return None
        stretch = next(one for one in reversed(self._stretches) if one.begin <= key)
        if stretch.override is not None and stretch.override.cancelled:
            return None
        return self._made(original, stretch.override, stretch.moved)

    def _make_stretches(self) -> list[_Stretch]:
        ranges = {self._originals.key(one.original): one for one in self._series.overrides if one.following}
        begins = [EARLIEST, *sorted(ranges)]
        return [
            _Stretch(begin, end, ranges.get(begin), _moved(ranges.get(begin)))
            for begin, end in zip(begins, [*begins[1:], None], strict=True)
        ]

    def _of_stretch(self, stretch: _Stretch, instant: datetime, last: datetime) -> Iterator[Occurrence] | None:
        """None where it has nothing to give."""
        override, moved = stretch.override, stretch.moved
        if override is not None and override.cancelled:
            return None
        zoned = self._series.zone is not None
        elsewhere = zoned and (bool(moved) or (override is not None and override.zone is not None))
        if not zoned:
            instant = earliest_wall(instant, self._asked_from).replace(tzinfo=UTC)
            last = latest_wall(last, self._asked_from).replace(tzinfo=UTC)
        elif elsewhere:
            instant, last = shift(instant, -_ABOUT), shift(last, _ABOUT)
        begin, end = max(stretch.begin, shift(instant, -moved)), min(stretch.end or LATEST, shift(last, -moved))
        if begin > end:
            return None
        originals = self._originals.between(begin, end)
        if stretch.end is not None:
            originals = takewhile(lambda one: one.key != stretch.end, originals)
        found = (self._made(one, override, moved) for one in originals)
        # What was moved may have come to lie about a leap of the clocks, where the wall and the world differ in order.
        return self._put_in_order(found) if elsewhere else found

    def _put_in_order(self, found: Iterator[Occurrence]) -> Iterator[Occurrence]:
        held: list[tuple[datetime, int, Occurrence]] = []
        for number, one in enumerate(found):
            heappush(held, (self._order(one), number, one))
            while held[0][0] < self._order(one) - _ABOUT:
                yield heappop(held)[2]
        while held:
            yield heappop(held)[2]

    def _order(self, one: Occurrence) -> datetime:
        return one.starts_at if self._series.zone is not None else midnight(one.start).replace(tzinfo=UTC)

    def _original(self, override: Override) -> Original:
        return Original(self._originals.key(override.original), Rank.SHOWN, midnight(override.original), None)

    def _made(self, original: Original, override: Override | None, moved: timedelta | None = None) -> Occurrence:
        """The occurrence: moved as the range override says, or else as its own does."""
        wall, timed, zone = original.wall, self._series.timed, self._series.zone
        duration = original.duration or self._lasts
        if override is not None:
            if moved is not None:
                wall = shift(wall, moved)
            elif override.start is not None:
                wall, timed = midnight(override.start), isinstance(override.start, datetime)
            zone = override.zone or zone
            duration = override.duration or duration
        place = self._place if zone == self._series.zone or zone is None else zone_named(zone)
        known = override is None and zone is not None and original.rank is not Rank.LEFT_OUT
        start, starts_at = (wall, original.key) if known else _start(wall, timed, zone, place)
        end, ends_at = _end(start, starts_at, duration, zone, place)
        return Occurrence(
            original=original.wall if self._series.timed else original.wall.date(),
            start=start,
            end=end,
            zone=zone if timed else None,
            starts_at=starts_at,
            ends_at=ends_at,
            override=None if override is None else override.original,
        )


def _durations(series: Series) -> Iterator[Duration]:
    yield series.lasts
    yield from (extra.duration for extra in series.extra if extra.duration)
    yield from (override.duration for override in series.overrides if override.duration)


def _at_most(duration: Duration) -> timedelta:
    """The longest that it can take: the clocks may go back on the way."""
    return timedelta(days=duration.days + (1 if duration.days else 0), seconds=duration.seconds)


def _moved(override: Override | None) -> timedelta:
    if override is None or override.start is None:
        return timedelta(0)
    return midnight(override.start) - midnight(override.original)


def _start(wall: datetime, timed: bool, zone: str | None, place: ZoneInfo) -> tuple[When, datetime]:
    """With a zone the start is a time that clocks do show, also where the rule named one that they leave out."""
    instant = to_instant(wall, place)
    if not timed:
        return wall.date(), instant
    return (to_wall(instant, place) if zone else wall), instant


def _end(
    start: When, starts_at: datetime, duration: Duration, zone: str | None, place: ZoneInfo
) -> tuple[When, datetime]:
    wall = shift(midnight(start), duration.days * _DAY)
    if not isinstance(start, datetime):
        days = wall.date() if duration.days else shift(wall, _DAY).date()
        return days, to_instant(midnight(days), place)
    exact = timedelta(seconds=duration.seconds)
    # Days by the calendar first, seconds by the clock of the world then (RFC 5545 §3.3.6).
    instant = shift(to_instant(wall, place) if duration.days else starts_at, exact)
    if not duration.seconds and not duration.days:
        return start, starts_at
    return (to_wall(instant, place) if zone else shift(wall, exact)), instant
