"""A series: its start, its rules, and all that people have made different about single occurrences."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from sigdep.kernel.errors import Fault, Invalid
from sigdep.recurrence.duration import Duration
from sigdep.recurrence.expansion import check_start
from sigdep.recurrence.rule import Rule
from sigdep.recurrence.zones import zone_named

RULES_MAX: Final = 10
EXTRA_MAX: Final = 2_000
EXCLUDED_MAX: Final = 2_000
OVERRIDES_MAX: Final = 2_000
RANGES_MAX: Final = 100
"""Overrides of all that follows."""

When = datetime | date
"""A time on the wall of a place, naive, or a date."""


class InvalidSeries(Invalid):
    """A part of a series makes no sense. `part` is its name in RFC 5545, as in EXDATE."""

    def __init__(self, part: str, detail: str) -> None:
        super().__init__(f"{part}: {detail}", (Fault(part, detail),))
        self.part = part


class Extra(Struct, frozen=True, kw_only=True):
    """One more occurrence (RDATE), which may last as long as it likes (VALUE=PERIOD)."""

    start: When
    duration: Duration | None = None


class Override(Struct, frozen=True, kw_only=True):
    """One occurrence made different (RECURRENCE-ID): moved, longer or shorter, cancelled. What else is different about
    it is not known here. Where the series has nothing at that time, the occurrence is added.

    With `following` all later ones go along (RANGE=THISANDFUTURE), by the same difference on the wall, as far as no
    override of their own or a later one of this kind says otherwise; it adds nothing.
    """

    original: When
    """The start that the series gives the occurrence, in its zone."""
    start: When | None = None
    zone: str | None = None
    """Of the new start, where it is another than that of the series."""
    duration: Duration | None = None
    cancelled: bool = False
    following: bool = False


class Series(Struct, frozen=True, kw_only=True):
    """All the occurrences that belong together. The start is always the first of them (RFC 5545 §3.8.5.3), and
    counted by COUNT as such, even where no rule names it; only `excluded` and `overrides` can take it away.

    Raises:
        InvalidSeries, InvalidRule, UnknownZone: on making one that makes no sense.
    """

    start: When
    """With a time of day: on the wall of the zone, or of wherever one is (floating) where there is none."""
    zone: str | None = None
    """An IANA name."""
    duration: Duration | None = None
    """If there is none, a date lasts for its day and a time not at all. A DTEND is an exact duration."""
    rules: tuple[Rule, ...] = ()
    extra: tuple[Extra, ...] = ()
    excluded: tuple[When, ...] = ()
    overrides: tuple[Override, ...] = ()

    def __post_init__(self) -> None:
        _check_lengths(self)
        _check_kinds(self)
        _check_overrides(self)
        for rule in self.rules:
            check_start(wall_rule(rule, self), self.start)

    @property
    def timed(self) -> bool:
        return isinstance(self.start, datetime)

    @property
    def lasts(self) -> Duration:
        return self.duration or Duration(days=0 if self.timed else 1)

    def ruling_zone(self) -> ZoneInfo:
        """The zone by which occurrences are told apart and put in order: UTC for those that have none."""
        return zone_named(self.zone or "UTC")


def wall_rule(rule: Rule, series: Series) -> Rule:
    """The rule without an UNTIL in UTC, which is for instants and not for walls. Raises InvalidSeries where UNTIL
    should be in UTC and is not."""
    if series.zone is None or rule.until is None or not series.timed:
        return rule
    if not isinstance(rule.until, datetime) or rule.until.tzinfo is None:
        raise InvalidSeries("UNTIL", "it is a time in UTC where the start has a zone.")
    return replace(rule, until=None)


def _check_lengths(series: Series) -> None:
    ranges = [override for override in series.overrides if override.following]
    for part, length, most in (
        ("RRULE", len(series.rules), RULES_MAX),
        ("RDATE", len(series.extra), EXTRA_MAX),
        ("EXDATE", len(series.excluded), EXCLUDED_MAX),
        ("RECURRENCE-ID", len(series.overrides), OVERRIDES_MAX),
        ("RANGE", len(ranges), RANGES_MAX),
    ):
        if length > most:
            raise InvalidSeries(part, f"a series has at most {most:,}; this one has {length:,}.")


def _check_kinds(series: Series) -> None:
    if series.zone is not None:
        zone_named(series.zone)
        if not series.timed:
            raise InvalidSeries("DTSTART", "a date has no zone.")
    if series.duration is not None and series.duration.seconds and not series.timed:
        raise InvalidSeries("DURATION", "dates last for whole days.")
    for part, when in _times(series):
        if isinstance(when, datetime) != series.timed:
            raise InvalidSeries(part, "it is a date where the start is one, and a time where that is a time.")
        _check_plain(part, when)
    for extra in series.extra:
        if extra.duration is not None and extra.duration.seconds and not series.timed:
            raise InvalidSeries("RDATE", "dates last for whole days.")


def _times(series: Series) -> Iterator[tuple[str, When]]:
    yield "DTSTART", series.start
    for extra in series.extra:
        yield "RDATE", extra.start
    for excluded in series.excluded:
        yield "EXDATE", excluded
    for override in series.overrides:
        yield "RECURRENCE-ID", override.original


def _check_plain(part: str, when: When) -> None:
    if isinstance(when, datetime) and (when.tzinfo is not None or when.microsecond):
        raise InvalidSeries(part, "it is the time on the wall of the zone of the series, in whole seconds.")


def _check_overrides(series: Series) -> None:
    seen: set[tuple[When, bool]] = set()
    for override in series.overrides:
        if (override.original, override.following) in seen:
            raise InvalidSeries("RECURRENCE-ID", f"there are two overrides of {override.original}.")
        seen.add((override.original, override.following))
        if override.start is not None:
            _check_plain("DTSTART", override.start)
        if override.following and override.start is not None and isinstance(override.start, datetime) != series.timed:
            raise InvalidSeries("RANGE", "all that follows cannot turn from times to dates, or from dates to times.")
        if override.zone is not None:
            zone_named(override.zone)
            if series.zone is None or not isinstance(override.start, datetime):
                raise InvalidSeries("RECURRENCE-ID", "a zone is for a new start with a time, in a series with a zone.")
