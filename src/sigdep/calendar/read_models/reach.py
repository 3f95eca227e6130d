"""From when until when an appointment has anything to show, as far as a row can say."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.series import series_of, times_of
from sigdep.kernel.errors import Invalid
from sigdep.recurrence.budget import Budget, RuleTooCostly
from sigdep.recurrence.duration import Duration
from sigdep.recurrence.expansion import midnight
from sigdep.recurrence.occurrences import Span, occurrences
from sigdep.recurrence.rule import Rule
from sigdep.recurrence.series import Series
from sigdep.recurrence.zones import EARLIEST, shift, to_instant, zone_named

FOR_EVER: Final = datetime(9999, 12, 31, tzinfo=UTC)

PLAIN_DAYS_MAX: Final = 7
"""A longer appointment is looked for apart, so that a list need not go far back for what is still on."""

COUNTED_STEPS_MAX: Final = 2_000
"""Whoever counts further than this is taken to go on for ever."""

_ABOUT: Final = timedelta(hours=50)
"""Dates and floating times are seen from anywhere: no two clocks in the world are further apart."""


class Reach(NamedTuple):
    """UTC. Nothing of the appointment lies before or after."""

    starts: datetime
    ends: datetime
    plain: bool
    """It is on once, precisely then, and not for long: a row says all."""


def reach_of(appointment: Appointment) -> Reach:
    """Never raises: what cannot be read now, as a zone that was renamed, may be on at any time."""
    try:
        times = times_of(appointment)
        if appointment.recurrence is not None or appointment.changed_occurrences:
            return _of_series(series_of(appointment))
        place = zone_named(times.zone or "UTC")
        starts, ends = to_instant(midnight(times.start), place), to_instant(midnight(times.end), place)
    except Invalid:
        return Reach(EARLIEST, FOR_EVER, plain=False)
    if times.zone is None:
        return Reach(shift(starts, -_ABOUT), shift(ends, _ABOUT), plain=False)
    return Reach(starts, ends, plain=ends - starts <= timedelta(days=PLAIN_DAYS_MAX))


def _of_series(series: Series) -> Reach:
    starts = [midnight(series.start), *(midnight(one.start) for one in series.overrides if one.start is not None)]
    starts += [midnight(one.original) for one in series.overrides]
    ends = FOR_EVER if any(_endless(rule) for rule in series.rules) else _last_end(series)
    return Reach(shift(min(starts).replace(tzinfo=UTC), -_ABOUT), min(ends, FOR_EVER), plain=False)


def _endless(rule: Rule) -> bool:
    return rule.count is None and rule.until is None


def _last_end(series: Series) -> datetime:
    if any(rule.count is not None for rule in series.rules):
        try:
            budget = Budget(COUNTED_STEPS_MAX)
            ends = [one.ends_at for one in occurrences(series, Span(EARLIEST), budget)]
        except RuleTooCostly:
            return FOR_EVER
        return shift(max(ends, default=EARLIEST), _ABOUT)
    starts = [midnight(series.start), *(midnight(one.start) for one in series.extra)]
    starts += [midnight(one.start or one.original) for one in series.overrides]
    starts += [midnight(rule.until).replace(tzinfo=None) for rule in series.rules if rule.until is not None]
    durations = [series.lasts, *(one.duration for one in series.extra if one.duration is not None)]
    durations += [one.duration for one in series.overrides if one.duration is not None]
    return shift(max(starts).replace(tzinfo=UTC), max(map(_at_most, durations)) + _ABOUT)


def _at_most(duration: Duration) -> timedelta:
    return timedelta(days=duration.days + 1, seconds=duration.seconds)
