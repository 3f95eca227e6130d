"""Cuts a series in two at one of its occurrences, for "this and all that follows"."""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from sigdep.kernel.errors import NotFound, Refused
from sigdep.recurrence.budget import Budget
from sigdep.recurrence.complete import Parts, missing_days, missing_times
from sigdep.recurrence.expansion import Expansion, midnight
from sigdep.recurrence.occurrences import occurrence
from sigdep.recurrence.originals import Originals, Ruled
from sigdep.recurrence.rule import Rule
from sigdep.recurrence.series import Series, When, wall_rule
from sigdep.recurrence.zones import earliest_wall, to_instant, to_wall


class NoSuchOccurrence(NotFound):
    """The series has no occurrence that starts then, or it was cancelled."""


class CannotSplit(Refused):
    """No two series would together have the same occurrences."""


class _Going(Struct, frozen=True):
    """A rule that goes on after the cut."""

    rule: Rule
    first: datetime
    """On the wall: its first time of which the instant does not lie before the cut."""
    misplaced: list[datetime]
    """Times of which the instant does lie before the cut, but not their place on the wall: there the clocks leapt."""
    expansion: Expansion


def split(series: Series, original: When, budget: Budget | None = None) -> tuple[Series, Series]:
    """Two series that together have the same occurrences, the first those before the one that is named by its
    original start, the second it and all later ones.

    The first ends by UNTIL where it had no end, or a later one. The second begins with its first occurrence, with
    what is left of COUNT; its rules say aloud what they took from the former start, if the new one would say otherwise.

    Raises:
        NoSuchOccurrence, CannotSplit, RuleTooCostly
    """
    budget = budget or Budget()
    if occurrence(series, original, budget=budget) is None:
        raise NoSuchOccurrence(f"There is no occurrence that starts at {original}.")
    cut = Originals(series, budget).key(original)
    if cut <= Originals(series, budget).key(series.start):
        raise CannotSplit("Nothing comes before the first occurrence: change the series as a whole.")
    going = [found for rule in series.rules if (found := _going(rule, series, cut, budget))]
    return _before(series, cut, going), _after(series, cut, going, budget)


def _going(rule: Rule, series: Series, cut: datetime, budget: Budget) -> _Going | None:
    """None for a rule that has nothing after the cut."""
    ruled, zone = Ruled(rule, series, budget), series.ruling_zone()
    if ruled.expansion is None or not any(one.key >= cut for one in ruled.between(cut)):
        return None
    cut_on_wall = to_wall(cut, zone)
    first, misplaced = None, []
    for wall in ruled.expansion.starts(earliest_wall(cut, zone), budget=budget):
        if to_instant(wall, zone) < cut:
            misplaced.append(wall)
        elif first is None:
            first = wall
        if wall >= cut_on_wall and first is not None:
            break
    assert first is not None
    return _Going(rule, first, misplaced, ruled.expansion)


def _before(series: Series, cut: datetime, going: list[_Going]) -> Series:
    zone = series.ruling_zone()

    def is_before(when: When) -> bool:
        return to_instant(midnight(when), zone) < cut

    cut_off = [one.rule for one in going]
    return replace(
        series,
        rules=tuple(_until(rule, series, cut) if rule in cut_off else rule for rule in series.rules),
        extra=tuple(one for one in series.extra if is_before(one.start)),
        excluded=tuple(one for one in series.excluded if is_before(one)),
        overrides=tuple(one for one in series.overrides if is_before(one.original)),
    )


def _until(rule: Rule, series: Series, cut: datetime) -> Rule:
    if not series.timed:
        return replace(rule, count=None, until=(cut - timedelta(days=1)).date())
    before = cut - timedelta(seconds=1)
    return replace(rule, count=None, until=before if series.zone else before.replace(tzinfo=None))


def _after(series: Series, cut: datetime, going: list[_Going], budget: Budget) -> Series:
    zone = series.ruling_zone()

    def is_after(when: When) -> bool:
        return to_instant(midnight(when), zone) >= cut

    start = _first(series, going, is_after)
    misplaced = sorted({wall for one in going for wall in one.misplaced if wall >= midnight(start)})
    return replace(
        series,
        start=start,
        rules=tuple(_again(one, series, start, budget) for one in going),
        extra=tuple(one for one in series.extra if is_after(one.start)),
        excluded=(*(one for one in series.excluded if is_after(one)), *misplaced),
        # A range override may reach over the cut.
        overrides=tuple(one for one in series.overrides if one.following or is_after(one.original)),
    )


def _first(series: Series, going: list[_Going], is_after: Callable[[When], bool]) -> When:
    """The start of the second series, which is always its first occurrence; that of a rule, where one goes on."""
    if going:
        first = min(one.first for one in going)
        return first if series.timed else first.date()
    extra = [one.start for one in series.extra if is_after(one.start)]
    added = [one.original for one in series.overrides if not one.following and is_after(one.original)]
    return min(extra or added, key=midnight)


def _again(going: _Going, series: Series, start: When, budget: Budget) -> Rule:
    """The rule for the second series."""
    rule = replace(going.rule, count=None)
    before, now = _missing(rule, series.start), _missing(rule, start)
    rule = replace(rule, **{part: value for part, value in before.items() if now[part] != value})
    expansion = Expansion(wall_rule(rule, series), start)
    if expansion.phase != going.expansion.phase:
        raise CannotSplit("The rules of this series have intervals that no common start would keep.")
    if going.rule.count is None:
        return rule
    left = sum(1 for _ in going.expansion.starts(midnight(start), budget=budget))
    # The start is counted as the first, whether the rule names it or not.
    return replace(rule, count=left + (0 if expansion.has(midnight(start), budget) else 1))


def _missing(rule: Rule, start: When) -> Parts:
    times = missing_times(rule, start) if isinstance(start, datetime) else {}
    return missing_days(rule, start) | times
