"""The times of a day (or of an hour, or of a minute) that a rule names, as seconds from its beginning."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import product
from typing import Final

from sigdep.recurrence.gregorian import resolve
from sigdep.recurrence.rule import Rule

DAY_SECONDS: Final = 86_400
HOURS: Final = range(24)
SIXTY: Final = range(60)
TIMES_HELD_MAX: Final = 1_440
"""More times than these are counted out when they are needed: there may be 86,400."""


class Times:
    """Each of the hours with each of the minutes with each of the seconds, in order."""

    def __init__(self, hours: Sequence[int], minutes: Sequence[int], seconds: Sequence[int]) -> None:
        self._hours, self._minutes, self._seconds = (sorted(set(values)) for values in (hours, minutes, seconds))
        self.count = len(self._hours) * len(self._minutes) * len(self._seconds)
        self.held = tuple(self) if self.count <= TIMES_HELD_MAX else None

    def __iter__(self) -> Iterator[int]:
        for hour, minute, second in product(self._hours, self._minutes, self._seconds):
            yield hour * 3600 + minute * 60 + second

    def at(self, place: int) -> int:
        """The one at a place, from 0."""
        rest, second = divmod(place, len(self._seconds))
        hour, minute = divmod(rest, len(self._minutes))
        return self._hours[hour] * 3600 + self._minutes[minute] * 60 + self._seconds[second]

    def next_from(self, time: int) -> int | None:
        """The first that is not before this time, if there is one."""
        if time >= DAY_SECONDS:
            return None
        next_hour, next_minute, next_second = self._next
        hour, rest = divmod(time, 3600)
        minute, second = divmod(rest, 60)
        if next_hour[hour] == hour:
            if next_minute[minute] == minute and (found := next_second[second]) is not None:
                return hour * 3600 + minute * 60 + found
            if (found := next_minute[minute + 1]) is not None:
                return hour * 3600 + found * 60 + self._seconds[0]
        if (found := next_hour[hour + 1]) is not None:
            return found * 3600 + self._minutes[0] * 60 + self._seconds[0]
        return None

    @cached_property
    def _next(self) -> tuple[list[int | None], list[int | None], list[int | None]]:
        return _next_at(self._hours, 24), _next_at(self._minutes, 60), _next_at(self._seconds, 60)


def _next_at(values: Sequence[int], size: int) -> list[int | None]:
    """For each number the smallest of the values that is not less."""
    found: list[int | None] = [None] * (size + 1)
    for number in range(size - 1, -1, -1):
        found[number] = number if number in values else found[number + 1]
    return found


def _seconds(rule: Rule) -> Sequence[int]:
    return [min(second, 59) for second in rule.by_second]


def times_within(rule: Rule) -> Times:
    """What a complete rule expands each day to, or each hour, minute or second where it is as frequent as that."""
    match rule.frequency:
        case "SECONDLY":
            return Times([0], [0], [0])
        case "MINUTELY":
            return Times([0], [0], _seconds(rule))
        case "HOURLY":
            return Times([0], rule.by_minute, _seconds(rule))
        case _:
            return Times(rule.by_hour, rule.by_minute, _seconds(rule))


def times_allowed(rule: Rule) -> Times | None:
    """The times of the day to which a rule limits its hours, minutes or seconds; None where all of them are well."""
    match rule.frequency:
        case "SECONDLY" if rule.by_hour or rule.by_minute or rule.by_second:
            return Times(rule.by_hour or HOURS, rule.by_minute or SIXTY, _seconds(rule) or SIXTY)
        case "MINUTELY" if rule.by_hour or rule.by_minute:
            return Times(rule.by_hour or HOURS, rule.by_minute or SIXTY, SIXTY)
        case "HOURLY" if rule.by_hour:
            return Times(rule.by_hour, SIXTY, SIXTY)
        case _:
            return None


def choose(positions: Sequence[int], count: int) -> list[int]:
    """The places, from 0, that BYSETPOS picks from a set of so many."""
    places = {resolve(position, count) for position in positions}
    return sorted(place for place in places if place is not None)
