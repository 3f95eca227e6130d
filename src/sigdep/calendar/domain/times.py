"""Times on the wall and dates, as text and as what the recurrence engine reckons with."""

import re
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

from sigdep.kernel.errors import Invalid
from sigdep.recurrence import zones
from sigdep.recurrence.duration import Duration, InvalidDuration
from sigdep.recurrence.expansion import midnight
from sigdep.recurrence.series import When
from sigdep.recurrence.zones import put_forward, shift, to_instant, to_wall, zone_named

WALL_PATTERN: Final = r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?$"

YEAR_MIN: Final = 1900
YEAR_MAX: Final = 2200
"""Lists are asked for between these, and show nothing outside."""

LASTS: Final = timedelta(hours=1)
"""What has no end lasts so long, or a day."""

_WALL: Final = re.compile(WALL_PATTERN, re.ASCII)
_DAY: Final = timedelta(days=1)


class Times(NamedTuple):
    """When something begins and ends on the wall of a zone. Dates have none, and end on the first day after."""

    start: When
    end: When
    zone: str | None

    @property
    def timed(self) -> bool:
        return isinstance(self.start, datetime)

    @property
    def duration(self) -> Duration:
        """Days for dates; exact for times, as a DTEND is (RFC 5545 §3.8.2.2)."""
        if not self.timed:
            return Duration(days=(midnight(self.end) - midnight(self.start)).days)
        return Duration(seconds=int(elapsed(self.start, self.end, self.zone).total_seconds()))


def read_when(text: str, pointer: str) -> When:
    """
    Raises:
        Invalid: neither a time on the wall nor a date.
    """
    found = known_when(text)
    if found is None:
        raise Invalid.at(
            pointer,
            "This takes a time on the wall without an offset, as in 2026-12-01T09:00:00, or a date, as in 2026-12-01; "
            "which wall, says time_zone.",
        )
    return found


def known_when(text: str) -> When | None:
    """None: it is none of the two."""
    if not _WALL.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError:
        return None


def write_when(when: When) -> str:
    return when.isoformat()


def elapsed(start: When, end: When, zone: str | None) -> timedelta:
    """What a clock that one carries along would count."""
    return zones.elapsed(midnight(start), midnight(end), zone_named(zone or "UTC"))


def after(start: When, duration: Duration, zone: str | None) -> When:
    """The end on the wall. What starts at a time that the clocks leave out ends as if they did not."""
    if not isinstance(start, datetime):
        return shift(midnight(start), timedelta(days=max(duration.days, 1))).date()
    place = zone_named(zone or "UTC")
    wall = shift(start, timedelta(days=duration.days))
    if not duration.seconds:
        return wall
    end = to_wall(shift(to_instant(wall, place), timedelta(seconds=duration.seconds)), place)
    return shift(end, -put_forward(start, place))


def checked(times: Times) -> Times:
    """
    Raises:
        Invalid: one is a date and the other is not, the end lies before the start, it lasts too long, or the year is
            one that no list shows.
    """
    start, end, zone = times
    check_year(start, "/start")
    if isinstance(start, datetime) != isinstance(end, datetime):
        raise Invalid.at("/end", "Start and end are both dates, or both times.")
    if not isinstance(start, datetime):
        if end <= start:
            raise Invalid.at("/end", "The end of an all-day event is the first day after it.")
        times = Times(start, end, None)
    elif elapsed(start, end, zone) < timedelta(0):
        raise Invalid.at("/end", "It would end before it starts.")
    try:
        _ = times.duration
    except InvalidDuration as error:
        raise Invalid.at("/end", error.detail) from None
    return times


def check_year(when: When, pointer: str) -> None:
    """
    Raises:
        Invalid: it is in a year that no list shows.
    """
    if not YEAR_MIN <= when.year <= YEAR_MAX:
        raise Invalid.at(pointer, f"The year must be between {YEAR_MIN} and {YEAR_MAX}; this is {when.year:04}.")


def default_end(start: When) -> When:
    return shift(start, LASTS) if isinstance(start, datetime) else shift(midnight(start), _DAY).date()


def as_days(times: Times) -> Times:
    """All of the days that it touches."""
    first, last = midnight(times.start).date(), midnight(times.end)
    end = last.date() if last.time() == time() and last.date() > first else shift(last, _DAY).date()
    return Times(first, end, None)


def of_kind(when: When, like: When) -> When:
    """A date where the other is one; a time where that is a time: its time, if a date has none."""
    if isinstance(like, datetime):
        return when if isinstance(when, datetime) else datetime.combine(when, like.time())
    return when.date() if isinstance(when, datetime) else when


def moved(when: When, old: When, new: When) -> When:
    """As far from the new start as it was from the old one, on the wall."""
    if isinstance(old, datetime) and isinstance(new, datetime):
        return shift(midnight(when), new - old)
    days = timedelta(days=(midnight(new).date() - midnight(old).date()).days)
    return of_kind(shift(midnight(when), days).date(), new)
