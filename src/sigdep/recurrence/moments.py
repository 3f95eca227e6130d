"""Moments, which are seconds in whole numbers, from the sets of a rule: expanded, chosen from, in order, each once.

The day that `date.toordinal` counts as 0 begins at 0.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import chain, dropwhile, islice, repeat, takewhile
from typing import Final, Protocol

from sigdep.recurrence.budget import Budget
from sigdep.recurrence.periods import periods
from sigdep.recurrence.rule import Rule
from sigdep.recurrence.ticks import UNIT_SECONDS, Ticks
from sigdep.recurrence.times import DAY_SECONDS, Times, choose, times_within

DAYS_A_STEP: Final = 8
"""So many days to choose from cost as much as a step."""
AT_ONCE_MAX: Final = 400
"""So many moments are made together, before it is known how many are wanted."""
LAST_MOMENT: Final = (date.max.toordinal() + 1) * DAY_SECONDS - 1


def to_moment(time: datetime) -> int:
    return time.toordinal() * DAY_SECONDS + time.hour * 3600 + time.minute * 60 + time.second


def to_datetimes(moments: Iterable[int]) -> Iterator[datetime]:
    return map(datetime.min.__add__, map(timedelta, repeat(-1), moments))


class Moments(Protocol):
    """Those of one rule from one start, before COUNT and UNTIL."""

    phase: int
    """Which of the periods are those that INTERVAL counts."""

    def between(self, moment: int, last: int, budget: Budget) -> Iterator[int]:
        """Those from this one, which is not before the start, to the last."""

    def nth(self, count: int, budget: Budget) -> int:
        """The one that COUNT ends with; the end of the calendar where there are fewer."""


def moments(rule: Rule, start: int) -> Moments:
    """Of a complete rule."""
    return MomentsOfTicks(rule, start) if rule.frequency in UNIT_SECONDS else MomentsOfPeriods(rule, start)


class MomentsOfPeriods:
    """For YEARLY, MONTHLY and WEEKLY: a set has each of its days with each of the times."""

    def __init__(self, rule: Rule, start: int) -> None:
        self._start = start
        self._periods = periods(rule, start // DAY_SECONDS)
        self.phase = self._periods.phase
        self._times = times_within(rule)
        self._positions = sorted(set(rule.by_set_position))

    def between(self, moment: int, last: int, budget: Budget) -> Iterator[int]:
        sets = self._periods.sets_between(moment // DAY_SECONDS, last // DAY_SECONDS, budget)
        parts: Iterator[Iterable[int]]
        if self._positions:
            chosen = self._chosen(sets, budget)
            parts = _in_order(chosen) if self._periods.spill else chosen
        else:
            parts = self._expanded(sets, moment, budget)
        return _between(parts, moment, last)

    def nth(self, count: int, budget: Budget) -> int:
        return _nth(self.between(self._start, LAST_MOMENT, budget), count)

    def _chosen(self, sets: Iterable[Sequence[int]], budget: Budget) -> Iterator[Sequence[int]]:
        size = self._times.count
        for days in sets:
            places = choose(self._positions, len(days) * size)
            budget.spend(len(days) // DAYS_A_STEP + len(places))
            yield [days[place // size] * DAY_SECONDS + self._times.at(place % size) for place in places]

    def _expanded(self, sets: Iterable[Sequence[int]], moment: int, budget: Budget) -> Iterator[Iterable[int]]:
        earliest = moment // DAY_SECONDS
        held = self._times.held
        for days in sets:
            # Sets beside each other may share a day, which has the same times in both.
            later = days if days[0] >= earliest else days[bisect_left(days, earliest) :]
            earliest = max(earliest, days[-1] + 1)
            if held is not None and len(later) * len(held) <= AT_ONCE_MAX:
                budget.spend(len(later) * len(held))
                yield [day * DAY_SECONDS + time for day in later for time in held]
            else:
                for day in later:
                    yield _times_of(day * DAY_SECONDS, self._times, moment, budget)


class MomentsOfTicks:
    """For all that is more frequent: every set is alike."""

    def __init__(self, rule: Rule, start: int) -> None:
        self._start = start
        self._ticks = Ticks(rule, start)
        self.phase = self._ticks.phase
        self._times = times_within(rule)
        self._chosen: Sequence[int] | None = self._times.held
        if rule.by_set_position:
            places = choose(rule.by_set_position, self._times.count)
            self._chosen = tuple(self._times.at(place) for place in places)

    def between(self, moment: int, last: int, budget: Budget) -> Iterator[int]:
        parts = self._expanded(moment, last, budget)
        return _between(parts, moment, last)

    def nth(self, count: int, budget: Budget) -> int:
        """Counted at once where nothing is left out."""
        chosen = self._chosen
        if not self._ticks.plain or not chosen:
            return _nth(self.between(self._start, LAST_MOMENT, budget), count)
        before = bisect_left(chosen, self._start - self._ticks.nth(0))
        tick, place = divmod(before + count - 1, len(chosen))
        return min(self._ticks.nth(tick) + chosen[place], LAST_MOMENT)

    def _expanded(self, moment: int, last: int, budget: Budget) -> Iterator[Iterable[int]]:
        chosen = self._chosen
        if chosen == ():
            return
        for tick in self._ticks.ticks_between(moment, last, budget):
            if chosen is None:
                yield _times_of(tick, self._times, moment, budget)
            else:
                budget.spend(len(chosen))
                yield [tick + time for time in chosen]


def _between(parts: Iterable[Iterable[int]], moment: int, last: int) -> Iterator[int]:
    found = dropwhile(lambda one: one < moment, chain.from_iterable(parts))
    return found if last == LAST_MOMENT else takewhile(lambda one: one <= last, found)


def _times_of(beginning: int, times: Times, moment: int, budget: Budget) -> Iterable[int]:
    """Each time after a beginning: all at once where they are few."""
    if times.held is None:
        return _times_one_by_one(beginning, times, moment, budget)
    budget.spend(times.count)
    return [beginning + time for time in times.held]


def _times_one_by_one(beginning: int, times: Times, moment: int, budget: Budget) -> Iterator[int]:
    time = times.next_from(max(0, moment - beginning))
    while time is not None:
        budget.spend()
        yield beginning + time
        time = times.next_from(time + 1)


def _in_order(parts: Iterable[Sequence[int]]) -> Iterator[Sequence[int]]:
    """Parts beside each other may share a day by SKIP, of which each has chosen other times."""
    held: list[int] = []
    for part in parts:
        if part:
            held = sorted({*held, *part})
            cut = bisect_left(held, part[0])
            yield held[:cut]
            held = held[cut:]
    yield held


def _nth(found: Iterator[int], count: int) -> int:
    return next(islice(found, count - 1, None), LAST_MOMENT)
