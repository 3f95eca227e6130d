"""RRULE, RDATE and EXDATE as the text that a series is made of, where calendars write them otherwise too."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from typing import Final

from msgspec.structs import replace

from sigdep.ical.lines import Line
from sigdep.ical.refusals import UnreadableComponent
from sigdep.ical.times import read_moment_text
from sigdep.ical.values import Moment, date_of, read_signed_duration, write_when
from sigdep.ical.zones import Zones
from sigdep.recurrence.duration import Duration, format_duration
from sigdep.recurrence.format import format_rule
from sigdep.recurrence.parse import parse
from sigdep.recurrence.rule import Rule
from sigdep.recurrence.series import EXCLUDED_MAX, EXTRA_MAX, RULES_MAX, When
from sigdep.recurrence.zones import to_instant, zone_named

LAST_SECOND: Final = time(23, 59, 59)


class Recurring:
    """The recurrence of one component with this start."""

    def __init__(self, start: Moment, lines: dict[str, list[Line]], zones: Zones) -> None:
        self.repairs: list[str] = []
        self._start, self._zones = start, zones
        if "EXRULE" in lines:
            raise UnreadableComponent("EXRULE: rules of exception were taken out of the standard, and are not read.")
        _check_lengths(lines)
        self.rules = tuple(self._rule(line.value) for line in lines.get("RRULE", ()) if line.value.strip())
        self.extra = tuple(self._extra(text, line) for line, text in _values(lines.get("RDATE", ())))
        self.excluded = tuple(
            write_when(self.on_wall(read_moment_text(text, line, zones), "EXDATE"))
            for line, text in _values(lines.get("EXDATE", ()))
        )

    def _rule(self, text: str) -> str:
        rule = parse("".join(text.split()))
        return format_rule(rule if rule.until is None else self._with_until(rule, rule.until))

    def _with_until(self, rule: Rule, until: datetime | date) -> Rule:
        """UNTIL as the start demands it. A date beside a time means that whole day, as Google writes it; a time beside
        a date means its day, as Outlook writes it."""
        if not self._start.timed:
            wanted: datetime | date = date_of(until)
        else:
            wall = until if isinstance(until, datetime) else datetime.combine(until, LAST_SECOND)
            wanted = self._until_of_times(wall)
        if wanted != until:
            self._repair("UNTIL was read as DTSTART demands it.")
        return replace(rule, until=wanted)

    def _until_of_times(self, wall: datetime) -> datetime:
        zone = self._start.zone
        if zone is None:
            return wall.replace(tzinfo=None)
        return wall if wall.tzinfo is not None else to_instant(wall, zone_named(zone))

    def _extra(self, text: str, line: Line) -> str:
        """A date or a time, or a period: from one to another, or for so long."""
        begin, slash, rest = text.partition("/")
        start = read_moment_text(begin, line, self._zones)
        written = write_when(self.on_wall(start, "RDATE"))
        if not slash:
            return written
        return f"{written}/{format_duration(self._lasting(start, rest, line))}"

    def _lasting(self, start: Moment, rest: str, line: Line) -> Duration:
        if (found := read_signed_duration(rest)) is not None and not found[1]:
            return found[0]
        end = read_moment_text(rest, line, self._zones)
        seconds = round((end.seen_from("UTC") - start.seen_from("UTC")).total_seconds())
        if seconds < 0:
            raise UnreadableComponent(f'RDATE: the period "{rest[:40]}" ends before it begins.')
        return Duration(seconds=seconds)

    def on_wall(self, moment: Moment, part: str) -> When:
        """The moment as the series of this start names it: on the wall of its zone, or as a date."""
        start = self._start
        if not isinstance(start.when, datetime):
            if moment.timed:
                self._repair(f"{part} was read as the date that DTSTART demands.")
            return date_of(moment.when)
        if not isinstance(moment.when, datetime):
            self._repair(f"{part} was read with the time of DTSTART: it was a date.")
            return datetime.combine(moment.when, start.when.time())
        if moment.zone is None or start.zone is None:
            return moment.when
        return moment.seen_from(start.zone)

    def _repair(self, detail: str) -> None:
        if detail not in self.repairs:
            self.repairs.append(detail)


def _values(lines: Iterable[Line]) -> Iterator[tuple[Line, str]]:
    for line in lines:
        for text in line.value.split(","):
            if text.strip():
                yield line, text


def _check_lengths(lines: dict[str, list[Line]]) -> None:
    """Counted before they are read: ten thousand lines are refused as quickly as ten are read."""
    for name, most, sign in (("RRULE", RULES_MAX, "\n"), ("RDATE", EXTRA_MAX, ","), ("EXDATE", EXCLUDED_MAX, ",")):
        count = sum(line.value.count(sign) + 1 for line in lines.get(name, ()))
        if count > most:
            raise UnreadableComponent(f"{name}: a series has at most {most:,}; this one has {count:,}.")
