"""The occurrences as the series has them, before any override: from its start, its rules and its extra dates."""

from collections.abc import Iterator
from datetime import datetime
from enum import IntEnum
from heapq import merge
from itertools import dropwhile, takewhile
from operator import itemgetter
from typing import NamedTuple

from msgspec.structs import replace

from sigdep.recurrence.budget import Budget
from sigdep.recurrence.duration import Duration
from sigdep.recurrence.expansion import Expansion, midnight
from sigdep.recurrence.rule import Rule
from sigdep.recurrence.series import Series, When, wall_rule
from sigdep.recurrence.zones import LATEST, earliest_wall, instants, is_left_out, latest_wall, to_instant


class Rank(IntEnum):
    """Which of several starts at one instant is shown."""

    LASTING = 0
    """It has a duration of its own."""
    SHOWN = 1
    LEFT_OUT = 2
    """The clocks never show it: it is another time by the world."""


class Original(NamedTuple):
    """`key` tells it apart from all others of its series, and puts it in order: the instant of its start in the zone of
    the series. Where that has none it is the time on the wall, taken for UTC."""

    key: datetime
    rank: Rank
    """Of several with one key the first is taken."""
    wall: datetime
    duration: Duration | None
    """Its own, where it has one."""


_KEY, _RANK = itemgetter(0), itemgetter(1)


class Originals:
    """Reads one series. Every line of it costs a step, so that hostile series are refused as hostile rules are."""

    def __init__(self, series: Series, budget: Budget) -> None:
        self._series = series
        self._budget = budget
        self._zone = series.ruling_zone()
        budget.spend(len(series.extra) + len(series.excluded) + len(series.overrides))
        self._rules = [Ruled(rule, series, budget) for rule in series.rules]
        extra = [self._single(one.start, one.duration) for one in series.extra]
        self._extra = sorted({one.key: one for one in sorted(extra, key=_RANK, reverse=True)}.values(), key=_KEY)
        self._first = self._single(series.start, None)
        self._gone = {self.key(when) for when in series.excluded}
        self._gone |= {self.key(one.original) for one in series.overrides if not one.following}

    def _single(self, when: When, duration: Duration | None) -> Original:
        wall = midnight(when)
        rank = Rank.LASTING if duration else Rank.LEFT_OUT if is_left_out(wall, self._zone) else Rank.SHOWN
        return Original(self.key(when), rank, wall, duration)

    def key(self, when: When) -> datetime:
        return to_instant(midnight(when), self._zone)

    def between(self, key: datetime, last: datetime = LATEST) -> Iterator[Original]:
        """Those from this key to the last, in order, each once, without those that are excluded or have their own
        override."""
        parts = merge(self._extra, [self._first], *(rule.between(key, last) for rule in self._rules))
        found = dropwhile(lambda one: one.key < key, parts)
        before: datetime | None = None
        for one in takewhile(lambda one: one.key <= last, found):
            if one.key != before and one.key not in self._gone:
                yield one
            before = one.key


class Ruled:
    """The occurrences of one rule."""

    def __init__(self, rule: Rule, series: Series, budget: Budget) -> None:
        self._budget = budget
        self._zone = series.ruling_zone()
        self._until = rule.until if isinstance(rule.until, datetime) and rule.until.tzinfo is not None else LATEST
        self.expansion = self._counted(wall_rule(rule, series), series.start)
        """None where the start alone is all that COUNT allows."""

    def _counted(self, rule: Rule, start: When) -> Expansion | None:
        """With COUNT the start is the first occurrence, whether the rule names it or not."""
        expansion = Expansion(rule, start)
        if rule.count is None or expansion.has(midnight(start), self._budget):
            return expansion
        return Expansion(replace(rule, count=rule.count - 1), start) if rule.count > 1 else None

    def between(self, key: datetime, last: datetime = LATEST) -> Iterator[Original]:
        """Those from this key to the last, in order, and perhaps some before."""
        if self.expansion is None:
            return iter(())
        last = min(last, self._until)
        walls = self.expansion.starts(earliest_wall(key, self._zone), latest_wall(last, self._zone), self._budget)
        found = (
            Original(instant, Rank.LEFT_OUT if left_out else Rank.SHOWN, wall, None)
            for instant, left_out, wall in instants(walls, self._zone)
        )
        return takewhile(lambda one: one.key <= last, found)
