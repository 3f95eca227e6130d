"""All the times of a rule, or those from any moment on, without a walk from the beginning."""

from collections.abc import Iterator
from datetime import date, datetime

from sigdep.recurrence.budget import Budget
from sigdep.recurrence.complete import complete
from sigdep.recurrence.moments import LAST_MOMENT, moments, to_datetimes, to_moment
from sigdep.recurrence.rule import InvalidRule, Rule
from sigdep.recurrence.ticks import UNIT_SECONDS


class Expansion:
    """The times of one rule from one start: in order, each once, by the clock on the wall, which knows no zone.

    A start that the rule does not name is not among them: a series counts it as its first. A date is read as its
    midnight. Nothing is remembered but where COUNT ends.

    Raises:
        InvalidRule: on making one, where the rule does not go with its start.
    """

    def __init__(self, rule: Rule, start: datetime | date) -> None:
        check_start(rule, start)
        self._count = rule.count
        self._start = to_moment(midnight(start))
        self._moments = moments(complete(rule, start), self._start)
        self.phase = self._moments.phase
        self._last = None if rule.until is None else to_moment(midnight(rule.until))

    def starts(
        self, begin: datetime | None = None, end: datetime | None = None, budget: Budget | None = None
    ) -> Iterator[datetime]:
        """The times from `begin` on and up to `end`, which is included; or all of them; lazily.

        COUNT has its price: the times up to its end are counted once, a step each, unless no part of the rule leaves
        anything out. An end saves the search for what comes after it.

        Raises:
            RuleTooCostly: while it is iterated over, when the budget is used up.
        """
        budget = budget or Budget()
        moment = self._start if begin is None else max(self._start, to_moment(begin) + bool(begin.microsecond))
        last = min(self._find_last(budget), LAST_MOMENT if end is None else to_moment(end))
        return to_datetimes(self._moments.between(moment, last, budget)) if moment <= last else iter(())

    def has(self, start: datetime, budget: Budget | None = None) -> bool:
        return next(self.starts(start, start, budget), None) is not None

    def _find_last(self, budget: Budget) -> int:
        if self._last is None:
            self._last = LAST_MOMENT if self._count is None else self._moments.nth(self._count, budget)
        return self._last


def midnight(start: datetime | date) -> datetime:
    """A time as it is; a date as its first moment."""
    return start if isinstance(start, datetime) else datetime(start.year, start.month, start.day)


def check_start(rule: Rule, start: datetime | date) -> None:
    """Raises InvalidRule where UNTIL is of another kind than the start, or a date should happen every hour."""
    timed = isinstance(start, datetime)
    if not timed and rule.frequency in UNIT_SECONDS and rule.frequency != "DAILY":
        raise InvalidRule("FREQ", f"{rule.frequency} needs a start with a time of day, not a date.")
    if rule.until is None:
        return
    if isinstance(rule.until, datetime) != timed:
        raise InvalidRule("UNTIL", "it is a date where the start is one, and a time where that is a time.")
    if isinstance(rule.until, datetime) and rule.until.tzinfo is not None:
        raise InvalidRule("UNTIL", "it is in UTC where the start has a zone, and without a zone where that has none.")
