"""Random series, and what happens in them, said a second time without laziness: all of it at once, in plain lists."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from sigdep.recurrence.budget import Budget
from sigdep.recurrence.duration import Duration
from sigdep.recurrence.expansion import Expansion, midnight
from sigdep.recurrence.occurrences import Occurrence
from sigdep.recurrence.parse import parse
from sigdep.recurrence.rule import Rule
from sigdep.recurrence.series import Extra, Override, Series, When
from sigdep.recurrence.zones import to_instant, zone_named

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "UTC", None]
RULES = [
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=0,30",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;BYDAY=MO,WE,SU",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU;WKST=SU",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;BYDAY=-1SU",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1,1",
    "FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=FORWARD;BYMONTHDAY=31",
    "FREQ=MONTHLY;INTERVAL=2;RSCALE=GREGORIAN;SKIP=BACKWARD",
    "FREQ=YEARLY",
    "FREQ=YEARLY;BYWEEKNO=1,14,44,52",
    "FREQ=HOURLY;INTERVAL=7",
    "FREQ=HOURLY;BYHOUR=0,1,2,3,4",
    "FREQ=MINUTELY;INTERVAL=45;BYHOUR=1,2,3",
]
NEAR_LEAPS = [
    datetime(2024, 3, 28, 2, 30),
    datetime(2024, 10, 25, 2, 0),
    datetime(2024, 10, 4, 2, 15),
    datetime(2011, 12, 27, 10, 0),
    datetime(2024, 3, 7, 1, 30),
    datetime(2024, 1, 31, 9, 0),
    datetime(2024, 2, 29, 23, 45),
]
MONTHS = timedelta(days=100)


@st.composite
def serieses(draw: st.DrawFn) -> Series:
    """One that ends, or at least one of which only some hundred days are looked at."""
    zone = draw(st.sampled_from(ZONES))
    time = draw(st.sampled_from(NEAR_LEAPS)) + timedelta(minutes=draw(st.integers(0, 3)) * 30)
    dates = zone is None and draw(st.booleans())
    start: When = time.date() if dates else time
    texts = [text for text in RULES if not (dates and ("HOURLY" in text or "MINUTELY" in text))]
    rules = tuple(
        _ended(draw, parse(text), start, zone)
        for text in draw(st.lists(st.sampled_from(texts), min_size=1, max_size=2))
    )
    series = Series(start=start, zone=zone, duration=draw(_durations(dates)), rules=rules)
    known = [original for original, _ in originals(series)][:40]
    when = st.sampled_from(known) | st.integers(-3, 60).map(lambda days: _later(start, days, dates))
    return replace(
        series,
        extra=tuple(draw(st.lists(st.builds(Extra, start=when, duration=_durations(dates)), max_size=3))),
        excluded=tuple(draw(st.lists(when, max_size=3))),
        overrides=draw(_overrides(when, dates, zone)),
    )


def _ended(draw: st.DrawFn, rule: Rule, start: When, zone: str | None) -> Rule:
    kind = draw(st.sampled_from(["count", "until", "never"]))
    if kind == "count":
        return replace(rule, count=draw(st.integers(1, 30)))
    if kind == "never":
        return rule
    until = midnight(start) + timedelta(minutes=draw(st.integers(0, 60 * 24 * 60)))
    if not isinstance(start, datetime):
        return replace(rule, until=until.date())
    return replace(rule, until=to_instant(until, zone_named(zone)) if zone else until)


def _later(start: When, days: int, dates: bool) -> When:
    return start + timedelta(days=days) if dates else start + timedelta(days=days, minutes=days % 4 * 15)


def _durations(dates: bool) -> st.SearchStrategy[Duration | None]:
    seconds = st.just(0) if dates else st.sampled_from([0, 1800, 7200, 86_400])
    return st.none() | st.builds(Duration, days=st.integers(1 if dates else 0, 3), seconds=seconds)


@st.composite
def _overrides(draw: st.DrawFn, when: st.SearchStrategy[When], dates: bool, zone: str | None) -> tuple[Override, ...]:
    made: dict[tuple[When, bool], Override] = {}
    for _ in range(draw(st.integers(0, 3))):
        original, following = draw(when), draw(st.booleans())
        parts: dict[str, Any] = {"cancelled": draw(st.integers(0, 4)) == 0, "duration": draw(_durations(dates))}
        if draw(st.booleans()):
            parts["start"] = _later(original, draw(st.integers(-5, 9)), dates)
            if zone is not None and draw(st.booleans()):
                parts["zone"] = draw(st.sampled_from([name for name in ZONES if name]))
        made[original, following] = Override(original=original, following=following, **parts)
    return tuple(made.values())


# ── what happens ────────────────────────────────────────────────────────────────────────────────────────


def originals(series: Series) -> list[tuple[When, Duration | None]]:
    """All starts of some hundred days, in the order of their keys."""
    end = midnight(series.start) + MONTHS
    lasting_last = sorted(series.extra, key=lambda one: one.duration is not None)
    extra = {key_of(series, one.start): (one.start, one.duration) for one in lasting_last}
    found: dict[datetime, tuple[When, Duration | None]] = {key_of(series, series.start): (series.start, None)}
    for rule in series.rules:
        for wall in _walls(rule, series, end):
            start = wall if series.timed else wall.date()
            known = found.setdefault(key_of(series, start), (start, None))
            if not _shown(series, known[0]) and _shown(series, start):
                found[key_of(series, start)] = (start, None)
    found |= extra
    gone = {key_of(series, when) for when in series.excluded}
    return [found[key] for key in sorted(found) if key not in gone]


def _walls(rule: Rule, series: Series, end: datetime) -> list[datetime]:
    plain = rule if series.zone is None else replace(rule, until=None)
    expansion = Expansion(replace(plain, count=None), series.start)
    walls = list(expansion.starts(end=end, budget=Budget(1_000_000)))
    if rule.count is not None:
        walls = sorted({*walls, midnight(series.start)})[: rule.count]
    if series.zone is not None and rule.until is not None:
        walls = [wall for wall in walls if key_of(series, wall) <= rule.until]
    return walls


def key_of(series: Series, when: When) -> datetime:
    return to_instant(midnight(when), series.ruling_zone())


def _shown(series: Series, when: When) -> bool:
    zone = series.ruling_zone()
    return key_of(series, when).astimezone(zone).replace(tzinfo=None) == midnight(when)


def happenings(series: Series, viewer: str) -> list[tuple[When, datetime, datetime]]:
    """The original, and from when to when it is, in the order in which it is told."""
    own = {key_of(series, one.original): one for one in series.overrides if not one.following}
    ranges = sorted((key_of(series, one.original), one.original) for one in series.overrides if one.following)
    following = {one.original: one for one in series.overrides if one.following}
    told = []
    for start, duration in originals(series):
        key = key_of(series, start)
        if key in own:
            continue
        before = [original for at, original in ranges if at <= key]
        override = following[before[-1]] if before else None
        moved = midnight(override.start) - midnight(override.original) if override and override.start else None
        told.append(_happening(series, viewer, start, duration, override, moved))
    told += [_happening(series, viewer, one.original, None, one, None) for one in own.values()]
    return sorted((one for one in told if one is not None), key=lambda one: one[1:])


def _happening(
    series: Series,
    viewer: str,
    original: When,
    lasts: Duration | None,
    override: Override | None,
    moved: timedelta | None,
) -> tuple[When, datetime, datetime] | None:
    start, zone = original, series.zone or viewer
    duration = lasts or series.duration or Duration(days=0 if series.timed else 1)
    if override is not None:
        if override.cancelled:
            return None
        duration, zone = override.duration or duration, override.zone or zone
        start = start + moved if moved is not None else override.start or start
    begins = to_instant(midnight(start), zone_named(zone))
    wall = begins.astimezone(zone_named(zone)).replace(tzinfo=None) if series.zone else midnight(start)
    ends = to_instant(wall + timedelta(days=duration.days), zone_named(zone)) if duration.days else begins
    return original, begins, ends + timedelta(seconds=duration.seconds)


def told(found: Sequence[Occurrence]) -> list[tuple[When, datetime, datetime]]:
    return [(one.original, one.starts_at, one.ends_at) for one in found]


def in_utc(when: datetime) -> datetime:
    return when.replace(tzinfo=UTC)
