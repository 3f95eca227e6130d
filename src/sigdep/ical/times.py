"""When a component begins and ends, and which moments its lines name, with what Google, Outlook and Apple write beside
the standard."""

from datetime import datetime, timedelta
from typing import Final

from sigdep.ical.lines import Line, read_parameters
from sigdep.ical.refusals import UnreadableComponent
from sigdep.ical.values import Moment, date_of, elapsed_between, read_signed_duration, read_when
from sigdep.ical.zones import Zones
from sigdep.recurrence.duration import Duration

MOMENT_PARAMETERS: Final = ("VALUE", "TZID")
_MIDNIGHT: Final = datetime.min.time()


def read_moment(line: Line, zones: Zones) -> Moment:
    """Raises UnreadableComponent where it names no moment, or a zone that nobody knows."""
    return read_moment_text(line.value, line, zones)


def read_moment_text(text: str, line: Line, zones: Zones) -> Moment:
    """One of perhaps several moments of a line."""
    found = read_when(text)
    if found is None:
        raise UnreadableComponent(f'{line.name}: "{text[:40]}" is no date or time, as 20260131T090000.')
    when, utc = found
    if not isinstance(when, datetime):
        return Moment(when)
    known, _ = read_parameters(line.written_parameters, MOMENT_PARAMETERS)
    if known.get("VALUE", "").upper() == "DATE":
        return Moment(when.date())
    if utc:
        return Moment(when, "UTC")
    name = known.get("TZID", "")
    return Moment(when, zones.zone(name, when.year) if name.strip() else None)


class Times:
    """The start, the end or the duration of a component, and what had to be repaired about them."""

    def __init__(self, lines: dict[str, list[Line]], zones: Zones) -> None:
        self.repairs: list[str] = []
        if "DTSTART" not in lines:
            raise UnreadableComponent("It has no DTSTART, so nobody knows when it is.")
        self.start = read_moment(lines["DTSTART"][0], zones)
        self.duration = self._read_duration(lines)
        self.end = self._read_end(lines, zones)
        if self.end is not None:
            self.duration = None
        if self._says_all_day(lines):
            self._make_all_day()

    def _read_duration(self, lines: dict[str, list[Line]]) -> Duration | None:
        line = next(iter(lines.get("DURATION", ())), None)
        if line is None:
            return None
        found = read_signed_duration(line.value)
        if found is None or found[1] or (found[0].seconds and not self.start.timed):
            self.repairs.append(f'DURATION "{line.value[:40]}" was left out: nothing can last as long as that.')
            return None
        return found[0]

    def _read_end(self, lines: dict[str, list[Line]], zones: Zones) -> Moment | None:
        line = next(iter(lines.get("DTEND", ())), None)
        if line is None:
            return None
        end = read_moment(line, zones)
        if end.timed != self.start.timed:
            self.repairs.append("DTEND was read as DTSTART is: one was a date, the other a time.")
            end = self._as_the_start_is(end)
        if (end.zone is None) != (self.start.zone is None):
            end = Moment(end.when, self.start.zone)
        if self._is_before_the_start(end):
            self.repairs.append("DTEND was left out: it is before DTSTART.")
            return None
        if end == self.start and not end.timed:
            return None  # Outlook and old phones mean one day, which is what a date lasts.
        return end

    def _as_the_start_is(self, end: Moment) -> Moment:
        if self.start.timed:
            return Moment(datetime.combine(end.when, _MIDNIGHT), self.start.zone)
        return Moment(date_of(end.when))

    def _is_before_the_start(self, end: Moment) -> bool:
        if not end.timed:
            return end.when < self.start.when
        return elapsed_between(self.start, end) < timedelta(0)

    def _says_all_day(self, lines: dict[str, list[Line]]) -> bool:
        names = ("X-MICROSOFT-CDO-ALLDAYEVENT", "X-FUNAMBOL-ALLDAY")
        said = [line.value.strip().upper() for name in names for line in lines.get(name, ())]
        ends = [self.start, self.end] if self.end is not None else [self.start]
        at_midnight = all(isinstance(one.when, datetime) and one.when.time() == _MIDNIGHT for one in ends)
        return at_midnight and any(value in ("TRUE", "1") for value in said)

    def _make_all_day(self) -> None:
        """Exchange writes a day as the time from midnight to midnight, and says so beside it."""
        self.start = Moment(date_of(self.start.when))
        if self.end is not None:
            end = date_of(self.end.when)
            self.end = Moment(end) if end > date_of(self.start.when) + timedelta(days=1) else None
        if self.duration is not None:
            self.duration = Duration(days=self.duration.days) if self.duration.days else None


def at_home(moment: Moment, home: str) -> Moment:
    """The same instant on the wall of another zone, or the moment itself where that wall shows the time twice."""
    wall = moment.seen_from(home)
    return Moment(wall, home) if Moment(wall, home).seen_from("UTC") == moment.seen_from("UTC") else moment
