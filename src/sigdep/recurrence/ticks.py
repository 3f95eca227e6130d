"""The days, hours, minutes or seconds of a rule, found by leaping over what its parts do not allow."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date
from typing import Final

from sigdep.recurrence.budget import Budget
from sigdep.recurrence.days import DaysOfYears
from sigdep.recurrence.gregorian import new_year
from sigdep.recurrence.rule import Frequency, Rule
from sigdep.recurrence.times import DAY_SECONDS, times_allowed

UNIT_SECONDS: Final[dict[Frequency, int]] = {"DAILY": DAY_SECONDS, "HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}


class Ticks:
    """Every `interval`th unit, from the one that has the start in it, if the parts of the rule allow it.

    All moments are seconds; the day that `date.toordinal` counts as 0 begins at 0.
    """

    def __init__(self, rule: Rule, start: int) -> None:
        unit = UNIT_SECONDS[rule.frequency]
        self._unit = unit
        self._start = start // unit * unit
        self._stride = unit * rule.interval
        self.phase = self._start % self._stride
        limited = rule.by_month or rule.by_year_day or rule.by_month_day or rule.by_day
        self._days = DaysOfYears(rule, "OMIT") if limited else None
        self._times = times_allowed(rule)
        self.plain = self._days is None and self._times is None
        """True where nothing is left out, so that the number of a tick says when it is."""

    def nth(self, number: int) -> int:
        """The tick after so many others, were there no parts."""
        return self._start + number * self._stride

    def ticks_between(self, moment: int, last: int, budget: Budget) -> Iterator[int]:
        """The beginnings of the units, from the one that has this moment in it, or the next, to the last moment."""
        tick = max(self._start, self._aligned(moment - self._unit + 1))
        last_day = last // DAY_SECONDS
        allowed_day = -1
        while tick <= last:
            budget.spend()
            day, time = divmod(tick, DAY_SECONDS)
            if day != allowed_day:
                found = self._next_day(day, last_day, budget)
                if found is None:
                    return
                if found != day:
                    tick = self._aligned(found * DAY_SECONDS)
                    continue
                allowed_day = day
            later = time if self._times is None else self._times.next_from(time)
            if later == time:
                yield tick
                tick += self._stride
            else:
                tick = self._aligned(day * DAY_SECONDS + (DAY_SECONDS if later is None else later))

    def _aligned(self, moment: int) -> int:
        """The first tick that does not begin before the moment, were there no parts."""
        return self._start - (self._start - moment) // self._stride * self._stride

    def _next_day(self, day: int, last_day: int, budget: Budget) -> int | None:
        if self._days is None:
            return day
        for year in range(date.fromordinal(day).year, date.fromordinal(last_day).year + 1):
            first, days = new_year(year), self._days.of(year)
            place = bisect_left(days, day - first)
            if place < len(days):
                return first + days[place]
            budget.spend()
        return None
