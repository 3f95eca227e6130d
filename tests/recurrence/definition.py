"""RFC 5545 read literally and slowly: every day, and every hour, minute or second, is asked whether it belongs.

It shares nothing with the engine but the rule itself, and it knows no SKIP.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import groupby, product

from sigdep.recurrence.rule import WEEKDAYS, Rule

DAY = timedelta(days=1)
UNITS = {"HOURLY": timedelta(hours=1), "MINUTELY": timedelta(minutes=1), "SECONDLY": timedelta(seconds=1)}


def times_by_definition(rule: Rule, start: datetime, end: datetime) -> list[datetime]:
    """All the times of a rule without COUNT from its start on and before the end."""
    found = _frequent(rule, start, end) if rule.frequency in UNITS else _of_days(rule, start, end)
    last = rule.until if isinstance(rule.until, datetime) else datetime.max
    return [moment for moment in found if start <= moment < end and moment <= last]


# ── weeks ───────────────────────────────────────────────────────────────────────────────────────────────


def week_of(day: date, rule: Rule) -> tuple[int, int, int]:
    """The year to which the week of a day belongs, the number of the week, and how many weeks that year has."""
    week = _week_start(day, rule)
    year = (week + 3 * DAY).year  # It belongs to the year that has at least four of its days.
    first = _week_start(date(year, 1, 4), rule)
    last = _week_start(date(year, 12, 28), rule)
    return year, (week - first).days // 7 + 1, (last - first).days // 7 + 1


def _week_start(day: date, rule: Rule) -> date:
    while WEEKDAYS[day.weekday()] != rule.week_start:
        day -= DAY
    return day


# ── days ────────────────────────────────────────────────────────────────────────────────────────────────


def day_belongs(rule: Rule, day: date, start: date) -> bool:
    return (
        _listed(rule.by_month, [day.month])
        and _week_belongs(rule, day)
        and _listed(rule.by_year_day, _from_both_ends(day, date(day.year, 1, 1), date(day.year, 12, 31)))
        and _listed(rule.by_month_day, _from_both_ends(day, day.replace(day=1), _end_of_month(day)))
        and _weekday_belongs(rule, day)
        and _is_like_the_start(rule, day, start)
    )


def _listed(numbers: tuple[int, ...], mine: list[int]) -> bool:
    return not numbers or any(number in numbers for number in mine)


def _from_both_ends(day: date, first: date, last: date) -> list[int]:
    return [(day - first).days + 1, -((last - day).days + 1)]


def _end_of_month(day: date) -> date:
    return (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY


def _week_belongs(rule: Rule, day: date) -> bool:
    if not rule.by_week_number:
        return True
    _, number, weeks = week_of(day, rule)
    return number in rule.by_week_number or number - weeks - 1 in rule.by_week_number


def _weekday_belongs(rule: Rule, day: date) -> bool:
    if not rule.by_day:
        return True
    in_month = rule.frequency == "MONTHLY" or bool(rule.by_month) or _in_month_of_start(rule)
    first = day.replace(day=1) if in_month else date(day.year, 1, 1)
    last = _end_of_month(day) if in_month else date(day.year, 12, 31)
    before, after = (day - first).days // 7 + 1, -((last - day).days // 7 + 1)
    return any(one.weekday == WEEKDAYS[day.weekday()] and one.number in (None, before, after) for one in rule.by_day)


def _in_month_of_start(rule: Rule) -> bool:
    nothing_larger = not (rule.by_month or rule.by_week_number or rule.by_year_day)
    return rule.frequency == "YEARLY" and nothing_larger and bool(rule.by_month_day or not rule.by_day)


def _is_like_the_start(rule: Rule, day: date, start: date) -> bool:
    """ "Information, not contained in the rule, … derived from the Start Time.\""""
    if _in_month_of_start(rule) and day.month != start.month:
        return False
    if rule.by_day or rule.by_month_day or rule.by_year_day or rule.frequency in ("DAILY", *UNITS):
        return True
    if rule.frequency == "WEEKLY" or rule.by_week_number:
        return day.weekday() == start.weekday()
    return day.day == start.day


# ── sets ────────────────────────────────────────────────────────────────────────────────────────────────


def _of_days(rule: Rule, start: datetime, end: datetime) -> Iterator[datetime]:
    base = _period(rule, start.date())
    if rule.by_week_number and not day_belongs(rule, start.date(), start.date()):
        base = start.year
    first = max(start.date() - 400 * DAY, date.min + 10 * DAY)
    days = [first + number * DAY for number in range((end.date() - first).days + 800)]
    belonging = [day for day in days if day_belongs(rule, day, start.date())]
    times = [time(*one) for one in product(*_clock(rule, start))]
    for period, members in groupby(belonging, key=lambda day: _period(rule, day)):
        if (period - base) % rule.interval == 0:
            yield from _picked(rule, [datetime.combine(day, one) for day in members for one in times])


def _period(rule: Rule, day: date) -> int:
    match rule.frequency:
        case "YEARLY":
            return week_of(day, rule)[0] if rule.by_week_number else day.year
        case "MONTHLY":
            return day.year * 12 + day.month
        case "WEEKLY":
            return _week_start(day, rule).toordinal() // 7
        case _:
            return day.toordinal()


def _clock(rule: Rule, start: datetime) -> tuple[list[int], list[int], list[int]]:
    seconds = {min(second, 59) for second in rule.by_second}
    return (
        sorted(set(rule.by_hour)) or [start.hour],
        sorted(set(rule.by_minute)) or [start.minute],
        sorted(seconds) or [start.second],
    )


def _picked(rule: Rule, members: list[datetime]) -> list[datetime]:
    if not rule.by_set_position:
        return members
    size = len(members)
    return [
        member
        for place, member in enumerate(members, 1)
        if place in rule.by_set_position or place - size - 1 in rule.by_set_position
    ]


def _frequent(rule: Rule, start: datetime, end: datetime) -> Iterator[datetime]:
    unit = UNITS[rule.frequency]
    tick = start - timedelta(minutes=start.minute, seconds=start.second) if unit == UNITS["HOURLY"] else start
    tick = tick - timedelta(seconds=tick.second) if unit == UNITS["MINUTELY"] else tick
    while tick < end:
        if day_belongs(rule, tick.date(), start.date()) and _tick_belongs(rule, tick):
            _, minutes, seconds = _clock(rule, start)
            minutes = minutes if rule.frequency == "HOURLY" else [tick.minute]
            seconds = seconds if rule.frequency != "SECONDLY" else [tick.second]
            yield from _picked(rule, [tick.replace(minute=one, second=two) for one in minutes for two in seconds])
        tick += unit * rule.interval


def _tick_belongs(rule: Rule, tick: datetime) -> bool:
    if rule.by_hour and tick.hour not in rule.by_hour:
        return False
    if rule.frequency != "HOURLY" and rule.by_minute and tick.minute not in rule.by_minute:
        return False
    seconds = {min(second, 59) for second in rule.by_second}
    return not (rule.frequency == "SECONDLY" and seconds and tick.second not in seconds)
