"""Nights in which clocks change: what is due at a time on the wall is told at its instant of RFC 5545, and once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sigdep.recurrence.duration import parse_duration
from sigdep.recurrence.occurrences import Span, occurrences
from sigdep.recurrence.parse import parse
from sigdep.recurrence.series import Series
from tests.notifications.reminding_world import World, due_of, open_world

BEFORE = timedelta(minutes=10)
STEP = timedelta(minutes=5)

# The zone, the first day, the time on the wall, and when the reminder ten minutes before it must come on three days.
# In a gap the offset before it counts, of two times the first (RFC 5545 §3.3.5).
NIGHTS: list[tuple[str, date, str, list[str]]] = [
    # 02:30 is left out on 28 March 2027: read with +01:00, that is 03:30 +02:00.
    ("Europe/Berlin", date(2027, 3, 27), "02:30", ["03-27T01:20", "03-28T01:20", "03-29T00:20"]),
    # 02:30 comes twice on 31 October 2027: the first is +02:00.
    ("Europe/Berlin", date(2027, 10, 30), "02:30", ["10-30T00:20", "10-31T00:20", "11-01T01:20"]),
    ("America/New_York", date(2027, 3, 13), "02:15", ["03-13T07:05", "03-14T07:05", "03-15T06:05"]),
    ("America/New_York", date(2027, 11, 6), "01:15", ["11-06T05:05", "11-07T05:05", "11-08T06:05"]),
    # Half an hour: 02:00 to 02:30 are left out on 3 October 2027, and 01:30 to 02:00 come twice on 4 April.
    ("Australia/Lord_Howe", date(2027, 10, 2), "02:15", ["10-01T15:35", "10-02T15:35", "10-03T15:05"]),
    ("Australia/Lord_Howe", date(2027, 4, 3), "01:45", ["04-02T14:35", "04-03T14:35", "04-04T15:05"]),
]


@pytest.mark.parametrize("zone, first, wall, expected", NIGHTS)
async def test_each_comes_at_its_instant(zone: str, first: date, wall: str, expected: list[str]) -> None:
    told = [datetime.fromisoformat(f"2027-{text}:00Z") for text in expected]
    async with open_world() as world:
        world.clock.at = told[0] - timedelta(hours=12)
        thing = world.thing("Water the plants")
        start = datetime.combine(first, datetime.strptime(wall, "%H:%M").time())  # noqa: DTZ007  On the wall.
        world.owner.items[thing].due = _due(start, zone)
        await world.say(thing)
        assert await _instants(world, until=told[-1] + timedelta(hours=2)) == told
        assert world.figures.late == [0.0, 0.0, 0.0]


def _due(start: datetime, zone: str) -> list[Any]:
    """As an owner does it: with the engine of recurrence."""
    series = Series(start=start, zone=zone, duration=parse_duration("PT15M"), rules=(parse("FREQ=DAILY;COUNT=3"),))
    begin = start.replace(tzinfo=UTC) - timedelta(days=2)
    span = Span(begin, begin + timedelta(days=10))
    return [due_of(one.starts_at - BEFORE, occurrence=str(one.original)) for one in occurrences(series, span)]


async def _instants(world: World, until: datetime) -> list[datetime]:
    """When something was told, as the clock goes on in small steps."""
    found = list[datetime]()
    while world.clock.at < until:
        before = len(world.figures.late)
        await world.fire(world.clock.at + STEP)
        found += [world.clock.at] * (len(world.figures.late) - before)
    return found
