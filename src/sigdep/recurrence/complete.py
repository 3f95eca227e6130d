"""Says in the rule itself what it leaves to its start: the day of a monthly one, the weekday of a weekly one."""

from datetime import date, datetime
from typing import Any

from msgspec.structs import replace

from sigdep.recurrence.rule import FREQUENCIES, WEEKDAYS, Rule, WeekdayNumber

Parts = dict[str, Any]


def complete(rule: Rule, start: datetime | date) -> Rule:
    """The rule with all that it takes from its start.

    "If the BYMINUTE, BYHOUR, BYDAY, BYMONTHDAY, or BYMONTH rule part were missing, the appropriate minute, hour, day,
    or month would have been retrieved from the DTSTART property" (RFC 5545 §3.3.10). For dates the parts of a time are
    passed over, as the RFC demands: they happen at midnight, so to say.
    """
    if isinstance(start, datetime):
        return replace(rule, **missing_days(rule, start), **missing_times(rule, start))
    return replace(rule, **missing_days(rule, start), by_hour=(0,), by_minute=(0,), by_second=(0,))


def missing_days(rule: Rule, start: date) -> Parts:
    """Which day it is, where the rule does not say so."""
    match rule.frequency:
        case "YEARLY":
            return _missing_days_of_a_year(rule, start)
        case "MONTHLY" if not rule.by_month_day and not rule.by_day:
            return {"by_month_day": (start.day,)}
        case "WEEKLY" if not rule.by_day:
            return {"by_day": _weekday(start)}
        case _:
            return {}


def _missing_days_of_a_year(rule: Rule, start: date) -> Parts:
    if rule.by_week_number:
        said = rule.by_day or rule.by_year_day or rule.by_month_day
        return {} if said else {"by_day": _weekday(start)}
    if rule.by_year_day:
        return {}
    parts: Parts = {}
    if not rule.by_month_day and not rule.by_day:
        parts["by_month_day"] = (start.day,)
    if not rule.by_month and (parts or rule.by_month_day):
        # Not every month: so it is written by Google and Windows for one day a year, and so libical reads it.
        parts["by_month"] = (start.month,)
    return parts


def _weekday(start: date) -> tuple[WeekdayNumber, ...]:
    return (WeekdayNumber(WEEKDAYS[start.weekday()]),)


def missing_times(rule: Rule, start: datetime) -> Parts:
    """Which time it is, where the rule does not say so."""
    rank = FREQUENCIES.index(rule.frequency)
    parts: Parts = {}
    if not rule.by_hour and rank > FREQUENCIES.index("HOURLY"):
        parts["by_hour"] = (start.hour,)
    if not rule.by_minute and rank > FREQUENCIES.index("MINUTELY"):
        parts["by_minute"] = (start.minute,)
    if not rule.by_second and rank > FREQUENCIES.index("SECONDLY"):
        parts["by_second"] = (start.second,)
    return parts
