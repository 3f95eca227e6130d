"""How long something lasts: days by the calendar, and seconds by the clock (RFC 5545 §3.3.6)."""

import re
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from sigdep.kernel.errors import Invalid
from sigdep.recurrence.zones import shift, to_instant, to_wall

DURATION_DAYS_MAX: Final = 3_660
DAY_SECONDS: Final = 86_400

_DURATION: Final = re.compile(
    r"\+?P(?:(\d{1,4})W|(?=[\dT])(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?)", re.ASCII
)


class InvalidDuration(Invalid):
    """Not a length of time that something can have."""


class Duration(Struct, frozen=True, kw_only=True):
    """Days first, then seconds. P1D, a nominal day, ends at the same time of the next day even if the clocks change
    between; PT24H, which is exact, ends as many hours later by the sun.

    Raises:
        InvalidDuration: on making one that is negative, or longer than about ten years.
    """

    days: int = 0
    seconds: int = 0

    def __post_init__(self) -> None:
        if self.days < 0 or self.seconds < 0:
            raise InvalidDuration("A duration is not negative.")
        if self.days * DAY_SECONDS + self.seconds > DURATION_DAYS_MAX * DAY_SECONDS:
            raise InvalidDuration(f"A duration is at most {DURATION_DAYS_MAX:,} days.")


def parse_duration(text: str) -> Duration:
    """Raises InvalidDuration for all that is not like P1D, P2W, PT24H or P1DT2H30M."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise InvalidDuration(f'"{text[:20]}" is no duration, as P1D or PT1H30M.')
    weeks, days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    return Duration(days=weeks * 7 + days, seconds=hours * 3600 + minutes * 60 + seconds)


def format_duration(duration: Duration) -> str:
    hours, rest = divmod(duration.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number)
    days = f"{duration.days}D" if duration.days else ""
    return f"P{days}{'T' if time else ''}{time}" if days or time else "PT0S"


def before(instant: datetime, duration: Duration, zone: ZoneInfo) -> datetime:
    """So much earlier, in UTC: days by the calendar of the place, then seconds by the clock of the world."""
    day = instant
    if duration.days:
        day = to_instant(shift(to_wall(instant, zone), -timedelta(days=duration.days)), zone)
    return shift(day, -timedelta(seconds=duration.seconds))
