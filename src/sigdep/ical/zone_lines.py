"""Writes a VTIMEZONE that says what the time zone database says (RFC 5545 §3.6.5)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

from sigdep.ical.transitions import Transition, offset, transitions
from sigdep.recurrence.gregorian import month_length
from sigdep.recurrence.rule import WEEKDAYS
from sigdep.recurrence.text import write_moment
from sigdep.recurrence.zones import zone_named

CYCLE_YEARS: Final = 28
"""After so many years the days of the year fall on the same weekdays again: a rule that holds for as long is a rule."""
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200


class _Change(NamedTuple):
    """What all changes of one kind have in common."""

    before: timedelta
    after: timedelta
    name: str


@lru_cache(maxsize=500)
def zone_lines(name: str, first_year: int, last_year: int) -> tuple[str, ...]:
    """The VTIMEZONE for what happens in these years, and for all years after them where the zone follows a rule then;
    where it does not, as in Morocco, for 28 years more. Raises UnknownZone."""
    zone = zone_named(name)
    first, last = max(first_year, FIRST_YEAR), min(max(last_year, FIRST_YEAR), LAST_YEAR)
    begin = datetime(first - 1, 1, 1, tzinfo=UTC)
    found = transitions(zone, first - 1, last + CYCLE_YEARS)
    lines = ["BEGIN:VTIMEZONE", f"TZID:{name}"]
    at_first = offset(zone, begin)
    start = (begin + at_first).replace(tzinfo=None)
    lines += _observance(_Change(at_first, at_first, begin.astimezone(zone).tzname() or ""), [start], None)
    for change, onsets in _by_change(found):
        single, ruled, rule = _parted(onsets, last + CYCLE_YEARS)
        if single:
            lines += _observance(change, single, None)
        if rule is not None:
            lines += _observance(change, ruled[:1], rule)
    return (*lines, "END:VTIMEZONE")


def _by_change(found: Sequence[Transition]) -> Iterator[tuple[_Change, list[datetime]]]:
    """Each kind of change, with the times on the wall before it at which it happens."""
    kind = lambda one: (one.before, one.after, one.name)  # noqa: E731
    for change, ones in groupby(sorted(found, key=kind), key=kind):
        yield _Change(*change), sorted((one.instant + one.before).replace(tzinfo=None) for one in ones)


def _parted(onsets: list[datetime], last_year: int) -> tuple[list[datetime], list[datetime], str | None]:
    """Those that happen by no rule, those at the end that happen by one, and that rule."""
    ruled: list[datetime] = []
    days: set[int] = set()
    for onset in reversed(onsets):
        expected = ruled[0].year - 1 if ruled else last_year
        alike = not ruled or (onset.month, onset.weekday(), onset.time()) == (
            ruled[0].month,
            ruled[0].weekday(),
            ruled[0].time(),
        )
        spread = {*days, onset.day}
        if onset.year != expected or not alike or max(spread) - min(spread) > 6:
            break
        days = spread
        ruled.insert(0, onset)
    if len(ruled) < CYCLE_YEARS:
        return onsets, [], None
    return onsets[: -len(ruled)], ruled, _rule(ruled[0], min(days), max(days))


def _rule(onset: datetime, first: int, last: int) -> str:
    weekday = WEEKDAYS[onset.weekday()]
    if first % 7 == 1:
        by_day = f"BYDAY={first // 7 + 1}{weekday}"
    elif last == month_length(onset.year, onset.month):
        by_day = f"BYDAY=-1{weekday}"
    else:
        by_day = f"BYDAY={weekday};BYMONTHDAY={','.join(map(str, range(first, last + 1)))}"
    return f"FREQ=YEARLY;BYMONTH={onset.month};{by_day}"


def _observance(change: _Change, onsets: Sequence[datetime], rule: str | None) -> Iterator[str]:
    # By what the clocks do: to the database the winter of Dublin is the one that is saved.
    kind = "DAYLIGHT" if change.after > change.before else "STANDARD"
    yield f"BEGIN:{kind}"
    yield f"DTSTART:{write_moment(onsets[0])}"
    yield f"TZOFFSETFROM:{_write_offset(change.before)}"
    yield f"TZOFFSETTO:{_write_offset(change.after)}"
    yield f"TZNAME:{change.name}"
    if rule is not None:
        yield f"RRULE:{rule}"
    for onset in onsets[1:]:
        yield f"RDATE:{write_moment(onset)}"
    yield f"END:{kind}"


def _write_offset(offset: timedelta) -> str:
    seconds = round(offset.total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}{minutes:02}{f'{rest:02}' if rest else ''}"
