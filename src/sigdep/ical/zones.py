"""The zones of one file: by name, by what its VTIMEZONE says of itself, or by when its clocks change."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from msgspec.structs import replace

from sigdep.ical.blocks import Block
from sigdep.ical.refusals import UnreadableComponent
from sigdep.ical.transitions import offset, transitions
from sigdep.ical.values import read_when
from sigdep.ical.windows_zones import WINDOWS_ZONES
from sigdep.ical.zone_names import zone_called
from sigdep.kernel.errors import Invalid
from sigdep.recurrence.budget import Budget
from sigdep.recurrence.expansion import Expansion, midnight
from sigdep.recurrence.parse import parse
from sigdep.recurrence.zones import zone_named

OBSERVANCES_MAX: Final = 200
"""Of one VTIMEZONE. Apple writes one for each change since 1900."""
STEPS_MAX: Final = 5_000
"""For all rules of all zones of a file."""
ZONES_MAX: Final = 100
"""Of one file. To find out that there is no zone of some name costs a search on the disk."""
UNNAMED_MAX: Final = 10
"""So many zones of a file are told by when their clocks change."""
EARLIEST_YEAR: Final = 1971
LATEST_YEAR: Final = 2100

_OFFSET: Final = re.compile(r"([+-])(\d{2}):?(\d{2}):?(\d{2})?", re.ASCII)

Year = tuple[timedelta, tuple[tuple[datetime, timedelta], ...]]
"""The offset at its beginning, and each change: when (UTC), and to which offset."""


class _Onset(NamedTuple):
    instant: datetime
    """UTC."""
    before: timedelta
    after: timedelta


class Zones:
    """Reads a VTIMEZONE only when its name says nothing. What it costs in a whole file is bounded."""

    def __init__(self, blocks: list[Block], home: str | None = None) -> None:
        self._blocks = {_plain(block.text("TZID")): block for block in reversed(blocks)}
        self.home = None if blocks else home
        """Where the times of the file are meant that are written in UTC and happen again: without a VTIMEZONE nothing
        else says so, and UTC knows no summer (as the library x-wr-timezone reads X-WR-TIMEZONE)."""
        self._known: dict[str, str | None] = {}
        self._unnamed = 0
        self._budget = Budget(STEPS_MAX)

    def zone(self, name: str, year: int) -> str:
        """The IANA zone; `year` is one in which its clocks matter. Raises UnreadableComponent."""
        name = _plain(name)
        if name not in self._known:
            if len(self._known) >= ZONES_MAX:
                raise UnreadableComponent(f"A calendar names at most {ZONES_MAX} time zones; this is one more.")
            self._known[name] = zone_called(name) or self._of_block(self._blocks.get(name), year)
        zone = self._known[name]
        if zone is None:
            raise UnreadableComponent(
                f'There is no time zone "{name[:60]}", and no zone that we know changes its clocks as the calendar says'
                " of it. Name a zone as Europe/Berlin."
            )
        return zone

    def _of_block(self, block: Block | None, year: int) -> str | None:
        if block is None:
            return None
        if zone := zone_called(block.text("X-LIC-LOCATION")):
            return zone
        self._unnamed += 1
        if self._unnamed > UNNAMED_MAX:
            return None
        year = min(max(year, EARLIEST_YEAR), LATEST_YEAR)
        try:
            found = self._year(block, year)
        except Invalid:
            return None
        return None if found is None else _alike(found, year)

    def _year(self, block: Block, year: int) -> Year | None:
        """None where the block says nothing, or not enough."""
        begin, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
        onsets: list[_Onset] = []
        for observance in block.blocks[:OBSERVANCES_MAX]:
            self._budget.spend(10)
            onsets += self._onsets(observance, year)
        onsets.sort()
        if not onsets:
            return None
        past = [one for one in onsets if one.instant <= begin]
        at_first = past[-1].after if past else onsets[0].before
        changes, now = [], at_first
        for one in onsets:
            if begin < one.instant < end and one.after != now:
                changes.append((one.instant, one.after))
                now = one.after
        return at_first, tuple(changes)

    def _onsets(self, observance: Block, year: int) -> list[_Onset]:
        before, after = _offset(observance.text("TZOFFSETFROM")), _offset(observance.text("TZOFFSETTO"))
        start = read_when(observance.text("DTSTART"))
        if before is None or after is None or start is None:
            return []
        walls = [midnight(start[0])]
        if text := observance.text("RRULE"):
            rule = parse(text)
            until = midnight(rule.until) if rule.until is not None else None
            if until is not None and until.tzinfo is not None:
                until = (until + before).replace(tzinfo=None)
            expansion = Expansion(replace(rule, until=until), walls[0])
            walls += expansion.starts(datetime(year - 2, 1, 1), datetime(year + 1, 1, 2), self._budget)
        for line in observance.lines:
            if line.name == "RDATE":
                self._budget.spend(line.value.count(",") + 1)
                walls += [midnight(found[0]) for part in line.value.split(",") if (found := read_when(part))]
        return [_Onset((wall - before).replace(tzinfo=UTC), before, after) for wall in walls if wall.year > 1]


def _plain(name: str) -> str:
    return name.strip().strip('"').strip()


def _offset(text: str) -> timedelta | None:
    found = _OFFSET.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] == "-" else length


def _alike(found: Year, year: int) -> str | None:
    """Of the zones that behave so in a year the first of those that Windows names: few enough to look at them all."""
    begin, summer = datetime(year, 1, 1, tzinfo=UTC), datetime(year, 7, 1, tzinfo=UTC)
    at_first, changes = found
    in_summer = [after for instant, after in changes if instant <= summer] or [at_first]
    for name in WINDOWS_ZONES.values():
        zone = zone_named(name)
        if offset(zone, begin) != at_first or offset(zone, summer) != in_summer[-1]:
            continue
        if changes == tuple((one.instant, one.after) for one in transitions(zone, year, year)):
            return name
    return None
