"""From the clock on the wall of a place to the instants of the world, and back.

A time that the clocks leave out is read with the offset before they leapt, and one that they show twice means the first
of the two (RFC 5545 §3.3.5). So two times on the wall may be one instant: 02:30 and 03:30 in the night of the leap.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sigdep.kernel.errors import Invalid

_LEAP_SEEN_WITHIN = timedelta(hours=25)
"""No clock has leapt by more than a day: Apia left out 30 December 2011."""

_NO_PLACES = frozenset({"Factory", "localtime", "posixrules"})
_OTHER_CLOCKS = ("posix/", "right/")
"""What lies among the zones on some machines: the machine's own clock, which is another one elsewhere, and clocks that
count leap seconds."""

EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(microsecond=0, tzinfo=UTC)


class UnknownZone(Invalid):
    """The time zone database has no zone of this name."""


def zone_named(name: str) -> ZoneInfo:
    """Raises UnknownZone."""
    try:
        if name not in _NO_PLACES and not name.startswith(_OTHER_CLOCKS):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise UnknownZone(f'There is no time zone "{name[:60]}", as Europe/Berlin.')


def to_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """UTC. At the ends of the calendar, where there is no such instant, the nearest."""
    try:
        return wall.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return EARLIEST if wall.year == 1 else LATEST


def to_wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows then. At the ends of the calendar the first or the last that it can show."""
    try:
        return instant.astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError:
        return (EARLIEST if instant.year == 1 else LATEST).replace(tzinfo=None)


def shift(time: datetime, by: timedelta) -> datetime:
    """The time so much later, or the end of the calendar."""
    try:
        return time + by
    except OverflowError:
        return (EARLIEST if by < timedelta(0) else LATEST).replace(tzinfo=time.tzinfo)


def earliest_wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """No time on the wall before this one means the instant or a later one."""
    return shift(to_wall(instant, zone), -max(_leapt_before(instant, zone), timedelta(0)))


def latest_wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """No time on the wall after this one means the instant or an earlier one."""
    return shift(to_wall(instant, zone), max(-_leapt_before(instant, zone), timedelta(0)))


def _leapt_before(instant: datetime, zone: ZoneInfo) -> timedelta:
    """By how much the clocks leapt forward lately; less than nothing where they went back."""
    before = shift(instant, -_LEAP_SEEN_WITHIN)
    return (to_wall(instant, zone) - to_wall(before, zone)) - (instant - before)


def is_left_out(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether no clock of the place ever shows this time."""
    return _is_left_out(wall.replace(tzinfo=zone), zone)


def _is_left_out(aware: datetime, zone: ZoneInfo) -> bool:
    if aware.utcoffset() == aware.replace(fold=1).utcoffset():
        return False  # No leap is near, as nearly always.
    return to_wall(aware.astimezone(UTC), zone) != aware.replace(tzinfo=None)


def put_forward(wall: datetime, zone: ZoneInfo) -> timedelta:
    """By how much the clocks show more than this time when it is meant: nothing, unless they leave it out."""
    aware = wall.replace(tzinfo=zone)
    return to_wall(to_instant(wall, zone), zone) - wall if _is_left_out(aware, zone) else timedelta(0)


def elapsed(start: datetime, end: datetime, zone: ZoneInfo) -> timedelta:
    """What a clock that one carries along counts between two times on the wall. Where the clocks leave the start out,
    the end goes along with it: from 2:30 to 3:30 is an hour in every night."""
    leap = put_forward(start, zone)
    return to_instant(shift(end, leap), zone) - to_instant(shift(start, leap), zone)


def instants(walls: Iterable[datetime], zone: ZoneInfo) -> Iterator[tuple[datetime, bool, datetime]]:
    """The instants of times on the wall, which come in order, in order, each once; with whether the clocks left the
    time out, and the time.

    Lazily: a time is held back only while its instant lies behind a leap that the times have not passed.
    """
    held: list[tuple[datetime, bool, datetime]] = []
    for wall in walls:
        aware = wall.replace(tzinfo=zone)
        try:
            instant = aware.astimezone(UTC)
        except OverflowError:
            continue  # Beyond the first or the last instant of all.
        if _is_left_out(aware, zone):
            heappush(held, (instant, True, wall))
            continue
        while held and held[0][0] <= instant:
            before = heappop(held)
            if before[0] < instant:
                yield before
        yield instant, False, wall
    while held:
        yield heappop(held)
