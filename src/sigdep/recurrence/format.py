"""Writes a rule as iCalendar does, so that `parse` reads the same rule back."""

from collections.abc import Iterator

from sigdep.recurrence.rule import Rule, WeekdayNumber
from sigdep.recurrence.text import write_moment


def format_rule(rule: Rule) -> str:
    """The parts that say something, FREQ first, as RFC 5545 §3.3.10 recommends."""
    return ";".join(f"{name}={value}" for name, value in _parts(rule))


def _parts(rule: Rule) -> Iterator[tuple[str, str]]:
    yield "FREQ", rule.frequency
    if rule.interval != 1:
        yield "INTERVAL", str(rule.interval)
    if rule.count is not None:
        yield "COUNT", str(rule.count)
    if rule.until is not None:
        yield "UNTIL", write_moment(rule.until)
    for name, numbers in rule.numbers():
        if name == "BYHOUR" and rule.by_day:
            yield "BYDAY", ",".join(map(_weekday, rule.by_day))
        if numbers:
            yield name, ",".join(map(str, numbers))
    if rule.week_start != "MO":
        yield "WKST", rule.week_start
    if rule.rscale is not None:
        yield "RSCALE", rule.rscale
    if rule.skip != "OMIT":
        yield "SKIP", rule.skip


def _weekday(day: WeekdayNumber) -> str:
    return f"{'' if day.number is None else day.number}{day.weekday}"
