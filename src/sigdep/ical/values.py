"""Values of properties: text with its escapes, moments, durations with a sign (RFC 5545 §3.3)."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from msgspec import Struct

from sigdep.ical.lines import with_one_kind_of_break
from sigdep.recurrence.duration import Duration, InvalidDuration, parse_duration
from sigdep.recurrence.series import When
from sigdep.recurrence.text import read_moment, write_moment
from sigdep.recurrence.zones import elapsed, to_instant, to_wall, zone_named

_ESCAPED: Final = re.compile(r'\\([nN\\;,:"])')
_TEXT: Final = re.compile(r"(?:[^\\,]|\\.|\\$)*+")
_TO_ESCAPE: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", ";": "\\;", ",": "\\,"})
_WITHOUT_SECONDS: Final = re.compile(r"(\d{8}T\d{4})(Z?)", re.ASCII)


class Moment(Struct, frozen=True):
    """A date; a time on the wall of a zone, by its IANA name or `UTC`; or a floating time, of wherever one is."""

    when: When
    zone: str | None = None

    @property
    def timed(self) -> bool:
        return isinstance(self.when, datetime)

    def seen_from(self, zone: str) -> datetime:
        """The same time on the wall of another zone. A floating time, or the midnight of a date, is taken as it is."""
        wall = self.when if isinstance(self.when, datetime) else datetime(*self.when.timetuple()[:3])
        if self.zone is None or self.zone == zone:
            return wall
        return to_wall(to_instant(wall, zone_named(self.zone)), zone_named(zone))


def elapsed_between(start: Moment, end: Moment) -> timedelta:
    """What a clock that one carries along counts; on one wall also where the clocks leave the start out."""
    if start.zone == end.zone and start.zone is not None:
        return elapsed(start.seen_from(start.zone), end.seen_from(start.zone), zone_named(start.zone))
    return end.seen_from("UTC") - start.seen_from("UTC")


def read_text(value: str) -> str:
    if "\\" in value:
        value = _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
    return with_one_kind_of_break(value)


def read_texts(value: str) -> tuple[str, ...]:
    """Several, parted by commas. Those that are empty are left out."""
    parts = _TEXT.findall(value) if "\\" in value else value.split(",")
    return tuple(text for part in parts if (text := read_text(part).strip()))


def write_text(text: str) -> str:
    return with_one_kind_of_break(text).translate(_TO_ESCAPE)


def read_when(value: str) -> tuple[When, bool] | None:
    """A date or a time, and whether it is in UTC; None for what is neither. Seconds may be missing."""
    value = value.strip().upper()
    moment = read_moment(value)
    if moment is None and (found := _WITHOUT_SECONDS.fullmatch(value)):
        moment = read_moment(f"{found[1]}00{found[2]}")
    if moment is None:
        return None
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return moment.replace(tzinfo=None), True
    return moment, False


def read_instant(value: str) -> datetime | None:
    """UTC. A time without a zone is taken for UTC, a date for its midnight."""
    found = read_when(value)
    if found is None:
        return None
    when = found[0]
    return (when if isinstance(when, datetime) else datetime(*when.timetuple()[:3])).replace(tzinfo=UTC)


def write_when(when: When, utc: bool = False) -> str:
    return write_moment(when) + ("Z" if utc else "")


def date_of(when: When) -> date:
    return when.date() if isinstance(when, datetime) else when


def read_signed_duration(value: str) -> tuple[Duration, bool] | None:
    """The duration, and whether it is negative; None for what is none."""
    text = value.strip().upper()
    negative = text.startswith("-")
    try:
        return parse_duration(text.removeprefix("-")), negative
    except InvalidDuration:
        return None
