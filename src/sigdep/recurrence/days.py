"""The days of a year or of a month that a rule names."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from sigdep.recurrence.gregorian import (
    is_leap,
    month_day_of,
    month_length,
    month_start,
    new_year,
    resolve,
    week_one,
    weekday,
    year_length,
    year_of,
)
from sigdep.recurrence.rule import WEEKDAYS, Rule, Skip

MONTHS = range(1, 13)


def numbered(numbers: Iterable[int], first: int, length: int, skip: Skip) -> Iterator[int]:
    """The days with these numbers in a span of so many days. What becomes of those that the span lacks, `skip` says."""
    for number in numbers:
        place = resolve(number, length)
        if place is not None:
            yield first + place
        elif skip != "OMIT":
            # The 31st of a short month would follow on its last day; the 31st from its end would go before its first.
            missing = first + length if number > 0 else first
            yield missing if skip == "FORWARD" else missing - 1


class Weekdays:
    """BYDAY: some weekdays, and some by their number within a span, a month or a year."""

    def __init__(self, rule: Rule) -> None:
        self._days = [(WEEKDAYS.index(day.weekday), day.number) for day in rule.by_day]
        self._plain = {day for day, number in self._days if number is None}
        self._numbered = {(day, number) for day, number in self._days if number is not None}
        self._by_month = rule.frequency == "MONTHLY" or bool(rule.by_month)

    def among(self, first: int, length: int) -> Iterator[int]:
        for day, number in self._days:
            nearest = first + (day - weekday(first)) % 7
            found = range(nearest, first + length, 7)
            if number is None:
                yield from found
            elif (place := resolve(number, len(found))) is not None:
                yield found[place]

    def keep(self, days: Iterable[int]) -> Iterator[int]:
        """Those of the days that BYDAY names, where it only limits (RFC 5545 §3.3.10, notes 1 and 2)."""
        for day in days:
            if not self._days or weekday(day) in self._plain or (self._numbered and self._has_number(day)):
                yield day

    def _has_number(self, day: int) -> bool:
        year = year_of(day)
        if self._by_month:
            month = month_day_of(day).month
            first, length = month_start(year, month), month_length(year, month)
        else:
            first, length = new_year(year), year_length(year)
        before, after = (day - first) // 7, (first + length - 1 - day) // 7
        return (weekday(day), before + 1) in self._numbered or (weekday(day), -after - 1) in self._numbered


class DaysOfYears:
    """The days of each year, as numbers from its first, 0. Those of its weeks may lie in the years around it.

    A year is like every other that begins on the same weekday and has the same lengths around it, so that there are
    only a few years to think about.
    """

    def __init__(self, rule: Rule, skip: Skip) -> None:
        self._rule, self._skip = rule, skip
        self._months: Collection[int] = sorted(set(rule.by_month)) or MONTHS
        self._weekdays = Weekdays(rule)
        self._week_start = WEEKDAYS.index(rule.week_start)
        self._known: dict[tuple[int, bool, bool, bool], Sequence[int]] = {}

    def of(self, year: int) -> Sequence[int]:
        first = new_year(year)
        alike = (weekday(first), is_leap(year - 1), is_leap(year), is_leap(year + 1))
        found = self._known.get(alike)
        if found is None:
            found = self._known[alike] = tuple(sorted({day - first for day in self._find(year)}))
        return found

    def _find(self, year: int) -> Iterable[int]:
        rule = self._rule
        if rule.by_week_number:
            return self._weekdays.keep(filter(self._fits, self._of_weeks(year)))
        if rule.by_year_day:
            days = filter(self._in_months, numbered(rule.by_year_day, new_year(year), year_length(year), self._skip))
            if rule.by_month_day:
                return self._weekdays.keep(set(days) & set(self._of_months(year)))
            return self._weekdays.keep(days)
        if rule.by_month_day:
            return self._weekdays.keep(self._of_months(year))
        if rule.by_day and not rule.by_month:
            return self._weekdays.among(new_year(year), year_length(year))
        return self._of_months(year)

    def _of_months(self, year: int) -> Iterator[int]:
        for month in self._months:
            first, length = month_start(year, month), month_length(year, month)
            if self._rule.by_month_day:
                yield from numbered(self._rule.by_month_day, first, length, self._skip)
            elif self._rule.by_day:
                yield from self._weekdays.among(first, length)
            else:
                yield from range(first, first + length)

    def _of_weeks(self, year: int) -> Iterator[int]:
        first, following = week_one(year, self._week_start), week_one(year + 1, self._week_start)
        for number in self._rule.by_week_number:
            place = resolve(number, (following - first) // 7)
            if place is not None:
                yield from range(first + 7 * place, first + 7 * place + 7)

    def _in_months(self, day: int) -> bool:
        return not self._rule.by_month or month_day_of(day).month in self._months

    def _fits(self, day: int) -> bool:
        """Whether a day of a week is also of the months, the days of the year and the days of a month."""
        rule, year = self._rule, year_of(day)
        month, number = month_day_of(day)
        length, past = month_length(year, month), day - new_year(year)
        return (
            self._in_months(day)
            and (not rule.by_month_day or number in rule.by_month_day or number - length - 1 in rule.by_month_day)
            and (not rule.by_year_day or past + 1 in rule.by_year_day or past - year_length(year) in rule.by_year_day)
        )


class DaysOfMonths:
    """The days of each month, as numbers from its first, 0, thought about once for each kind of month."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._weekdays = Weekdays(rule)
        self._known: dict[tuple[int, int, int], Sequence[int]] = {}

    def of(self, year: int, month: int) -> tuple[int, Sequence[int]]:
        """The first day of the month, and the days."""
        first, length = month_start(year, month), month_length(year, month)
        before = month_length(year, month - 1) if month > 1 else 31
        alike = (weekday(first), length, before)
        found = self._known.get(alike)
        if found is None:
            found = self._known[alike] = tuple(sorted({day - first for day in self._find(first, length)}))
        return first, found

    def _find(self, first: int, length: int) -> Iterable[int]:
        if self._rule.by_month_day:
            return self._weekdays.keep(numbered(self._rule.by_month_day, first, length, self._rule.skip))
        return self._weekdays.among(first, length)
