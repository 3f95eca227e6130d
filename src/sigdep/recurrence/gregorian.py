"""The calendar in whole numbers: a day is its number from 1 January of the year 1, as `date.toordinal` counts."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

FIRST_DAY: Final = date.min.toordinal()
LAST_DAY: Final = date.max.toordinal()
LAST_YEAR: Final = date.max.year

_MONTH_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class MonthDay(NamedTuple):
    month: int
    day: int


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def year_length(year: int) -> int:
    return 366 if is_leap(year) else 365


def month_length(year: int, month: int) -> int:
    return 29 if month == 2 and is_leap(year) else _MONTH_LENGTHS[month - 1]


def new_year(year: int) -> int:
    """The first day of a year, which may lie before or after all that `date` knows."""
    before = year - 1
    return before * 365 + before // 4 - before // 100 + before // 400 + 1


def month_start(year: int, month: int) -> int:
    leap = 1 if month > 2 and is_leap(year) else 0
    return new_year(year) + sum(_MONTH_LENGTHS[: month - 1]) + leap


def weekday(day: int) -> int:
    """0 is Monday."""
    return (day - 1) % 7


def year_of(day: int) -> int:
    """The year of any day, also of the few around the ends of the calendar."""
    if day < FIRST_DAY:
        return 0
    return date.fromordinal(day).year if day <= LAST_DAY else LAST_YEAR + 1


def month_day_of(day: int) -> MonthDay:
    year = year_of(day)
    left = day - new_year(year)
    for month in range(1, 12):
        length = month_length(year, month)
        if left < length:
            return MonthDay(month, left + 1)
        left -= length
    return MonthDay(12, left + 1)


def week_one(year: int, week_start: int) -> int:
    """The first day of the first week that has at least four days in the year (RFC 5545 §3.3.10, BYWEEKNO)."""
    first = new_year(year)
    into_week = (weekday(first) - week_start) % 7
    return first - into_week if into_week <= 3 else first + 7 - into_week


def resolve(number: int, length: int) -> int | None:
    """The place, from 0, that a number means among so many: 1 is the first, -1 the last; None where there is none."""
    place = number - 1 if number > 0 else length + number
    return place if 0 <= place < length else None


def within(days: Sequence[int]) -> Sequence[int]:
    """Those that `date` knows. The days are in order, so looking at both ends is enough nearly always."""
    if days and (days[0] < FIRST_DAY or days[-1] > LAST_DAY):
        return [day for day in days if FIRST_DAY <= day <= LAST_DAY]
    return days
