"""Times on the wall, as people set them: `22:00`, in a time zone."""

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from sigdep.kernel.errors import Invalid
from sigdep.notifications.events.people import QuietHours
from sigdep.recurrence.zones import to_instant, to_wall, zone_named

WALL_TIME_PATTERN: Final = "^([01][0-9]|2[0-3]):[0-5][0-9]$"

_WALL_TIME: Final = re.compile(WALL_TIME_PATTERN)
_DAY: Final = timedelta(days=1)


def wall_time(text: str, pointer: str) -> str:
    """
    Raises:
        Invalid: it is no time of a day.
    """
    if not _WALL_TIME.fullmatch(text):
        raise Invalid.at(pointer, "A time of the day has hours and minutes, as in 07:30.")
    return text


def quiet_until(quiet: QuietHours, zone_name: str, now: datetime) -> datetime | None:
    """UTC: when the quiet hours end that it is in. None: it is in none."""
    zone, start, end = zone_named(zone_name), time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    if start == end:
        return None  # No hours, rather than all of them for ever.
    today = to_wall(now, zone).date()
    for day in (today - _DAY, today):  # Those that began yesterday may last until today.
        last = day if start < end else day + _DAY
        begins, ends = (to_instant(datetime.combine(*at), zone) for at in ((day, start), (last, end)))
        if begins <= now < ends:
            return ends
    return None


def next_at(wall: str, zone_name: str, after: datetime) -> datetime:
    """UTC: when the clocks of the place next show this time."""
    zone, at = zone_named(zone_name), time.fromisoformat(wall)
    day = to_wall(after, zone).date()
    while (instant := to_instant(datetime.combine(day, at), zone)) <= after:
        day += _DAY
    return instant


def day_of(instant: datetime, zone_name: str) -> date:
    """On which day of the place it is."""
    return to_wall(instant, zone_named(zone_name)).date()


def end_of(day: date, zone_name: str) -> datetime:
    """UTC: the last instant of a day at the place, of those that are told apart."""
    return to_instant(datetime.combine(day + _DAY, time.min), zone_named(zone_name)) - timedelta(microseconds=1)
