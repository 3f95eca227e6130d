"""The series that an entry is, as the recurrence engine understands it."""

from datetime import date, datetime

from sigdep.ical.model import Component, Entry
from sigdep.ical.refusals import UnreadableComponent
from sigdep.ical.values import date_of, elapsed_between
from sigdep.recurrence.duration import DURATION_DAYS_MAX, Duration, parse_duration
from sigdep.recurrence.parse import parse
from sigdep.recurrence.series import Extra, Override, Series, When
from sigdep.recurrence.text import read_moment


def series_of(entry: Entry) -> Series | None:
    """None where the entry has no main component. Raises Invalid for a series that makes no sense."""
    main = entry.main
    if main is None:
        return None
    return Series(
        start=main.start.when,
        zone=main.start.zone,
        duration=lasting(main),
        rules=tuple(parse(rule) for rule in main.rules),
        extra=tuple(_extra(text) for text in main.extra),
        excluded=tuple(_when(text) for text in main.excluded),
        overrides=tuple(_override(one, main) for one in entry.overrides),
    )


def original_of(override: Component, main: Component) -> When:
    """The start that the series gives the occurrence, on the wall of the series."""
    moment, start = override.recurrence_id, main.start
    if moment is None:
        raise UnreadableComponent("It overrides nothing.")
    if not isinstance(start.when, datetime):
        return date_of(moment.when)
    if not isinstance(moment.when, datetime):
        return datetime.combine(moment.when, start.when.time())
    return moment.when if moment.zone is None or start.zone is None else moment.seen_from(start.zone)


def lasting(component: Component) -> Duration | None:
    """An end is an exact duration where there are times, and days where there are dates."""
    if component.end is None:
        return component.duration
    start, end = component.start, component.end
    if not start.timed:
        return Duration(days=(date_of(end.when) - date_of(start.when)).days)
    seconds = elapsed_between(start, end).total_seconds()
    if seconds > DURATION_DAYS_MAX * 86_400:
        raise UnreadableComponent(f"DTEND: it lasts for more than {DURATION_DAYS_MAX:,} days.")
    return Duration(seconds=round(seconds))


def _override(component: Component, main: Component) -> Override:
    zone = component.start.zone
    return Override(
        original=original_of(component, main),
        start=component.start.when,
        zone=zone if zone != main.start.zone else None,
        duration=lasting(component),
        cancelled=component.status == "CANCELLED",
        following=component.following,
    )


def _extra(text: str) -> Extra:
    start, _, lasts = text.partition("/")
    return Extra(start=_when(start), duration=parse_duration(lasts) if lasts else None)


def _when(text: str) -> datetime | date:
    moment = read_moment(text)
    if moment is None:
        raise UnreadableComponent(f'"{text[:40]}" is no date or time.')
    return moment
