"""The years, months or weeks of a rule, and in each of them the days that make a set (BYSETPOS chooses from it)."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from sigdep.recurrence.budget import Budget
from sigdep.recurrence.days import DaysOfMonths, DaysOfYears
from sigdep.recurrence.gregorian import FIRST_DAY, LAST_DAY, LAST_YEAR, new_year, within
from sigdep.recurrence.rule import WEEKDAYS, Rule


class Periods(ABC):
    """Periods are numbered through; every `interval`th counts, from the one that has the start in it."""

    spill = 0
    """By how many periods a day of a set may lie beside its own period."""
    end: int
    """The number after the last period that counts."""

    def __init__(self, rule: Rule, start: int) -> None:
        self._rule = rule
        self._base = self.index(start)
        for beside in (0, -1, 1) if self.spill else ():
            # The start is the first occurrence, so that its period is the one in whose set it is: 30 December may be
            # of the first week of a year, and 1 March what SKIP made of 29 February.
            if start in self.days(self._base + beside):
                self._base += beside
                break
        self.phase = self._base % rule.interval

    @abstractmethod
    def index(self, day: int) -> int:
        """The number of the period in which a day lies."""

    @abstractmethod
    def days(self, index: int) -> Sequence[int]:
        """The days of the set of a period, in order."""

    def sets_between(self, day: int, last: int, budget: Budget) -> Iterator[Sequence[int]]:
        """The sets that may have days from this one to the last in them, and perhaps others. Sets beside each other
        may share a day by SKIP."""
        interval, days_of, spend = self._rule.interval, self.days, budget.spend
        lowest = self.index(day) - self.spill - self._base
        end = min(self.end, self.index(last) + self.spill + 1)
        for index in self.counted(range(self._base - (-lowest // interval) * interval, end, interval)):
            spend()
            if days := within(days_of(index)):
                yield days

    def counted(self, indexes: Iterable[int]) -> Iterable[int]:
        """Without those of which a part of the rule takes nothing."""
        return indexes


class Years(Periods):
    end = LAST_YEAR + 2

    def __init__(self, rule: Rule, start: int) -> None:
        self._days = DaysOfYears(rule, rule.skip)
        self.spill = 1 if rule.by_week_number or rule.skip != "OMIT" else 0
        super().__init__(rule, start)

    def index(self, day: int) -> int:
        return date.fromordinal(day).year

    def days(self, index: int) -> Sequence[int]:
        first = new_year(index)
        return [first + day for day in self._days.of(index)]


class Months(Periods):
    end = (LAST_YEAR + 1) * 12

    def __init__(self, rule: Rule, start: int) -> None:
        self._days = DaysOfMonths(rule)
        self._allowed = {month - 1 for month in rule.by_month}
        self.spill = 0 if rule.skip == "OMIT" else 1
        super().__init__(rule, start)

    def index(self, day: int) -> int:
        found = date.fromordinal(day)
        return found.year * 12 + found.month - 1

    def days(self, index: int) -> Sequence[int]:
        first, days = self._days.of(index // 12, index % 12 + 1)
        return [first + day for day in days]

    def counted(self, indexes: Iterable[int]) -> Iterable[int]:
        return (index for index in indexes if index % 12 in self._allowed) if self._allowed else indexes


class Weeks(Periods):
    end = LAST_DAY // 7 + 2

    def __init__(self, rule: Rule, start: int) -> None:
        self._first = WEEKDAYS.index(rule.week_start) - 6
        """A day at or before the first of all, on which a week begins."""
        self._offsets = sorted({(WEEKDAYS.index(day.weekday) - self._first - 6) % 7 for day in rule.by_day})
        self._months = set(rule.by_month)
        super().__init__(rule, start)

    def index(self, day: int) -> int:
        return (day - self._first) // 7

    def days(self, index: int) -> Sequence[int]:
        first = self._first + 7 * index
        days = [first + offset for offset in self._offsets]
        if not self._months:
            return days
        return [day for day in days if FIRST_DAY <= day <= LAST_DAY and date.fromordinal(day).month in self._months]


def periods(rule: Rule, start: int) -> Periods:
    match rule.frequency:
        case "YEARLY":
            return Years(rule, start)
        case "MONTHLY":
            return Months(rule, start)
        case _:
            return Weeks(rule, start)
