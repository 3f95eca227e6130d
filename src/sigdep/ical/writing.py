"""Writes a calendar: entries to octets, the same ones for the same entries, so that an ETag can be made of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from sigdep.ical.alarms import write_alarm
from sigdep.ical.component import UNDERSTOOD as UNDERSTOOD_OF_COMPONENTS
from sigdep.ical.keeping import write_kept, write_kept_lines
from sigdep.ical.lines import are_parameters, fold, without_breaks
from sigdep.ical.model import Calendar, Component, Entry
from sigdep.ical.people import write_attendee
from sigdep.ical.reading import UNDERSTOOD
from sigdep.ical.values import Moment, write_text, write_when
from sigdep.ical.zone_lines import zone_lines
from sigdep.recurrence.duration import format_duration
from sigdep.recurrence.text import write_moment

PRODUCT: Final = "-//SigDep//SigDep//EN"


def write(calendar: Calendar) -> bytes:
    """One VCALENDAR, which `read` reads back as it was."""
    return b"".join(map(fold, _calendar(calendar)))


def write_entry(entry: Entry) -> str:
    """Its components alone, which `read_entry` reads back: zones are named as the world names them."""
    return "".join(f"{line}\r\n" for component in entry.components() for line in _component(component))


def component_lines(component: Component) -> tuple[str, ...]:
    """The lines of one component, unfolded, without its BEGIN and END: what `read_component` reads."""
    return tuple(_component(component))[1:-1]


def _calendar(calendar: Calendar) -> Iterator[str]:
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN")
    yield from _described(calendar)
    yield from write_kept_lines(calendar.lines, UNDERSTOOD)
    components = [one for entry in calendar.entries for one in entry.components()]
    for zone, (first, last) in sorted(_zones(components, calendar.zone).items()):
        yield from zone_lines(zone, first, last)
    for component in components:
        yield from _component(component)
    yield "END:VCALENDAR"


def _described(calendar: Calendar) -> Iterator[str]:
    """Each said twice: as RFC 7986 has it, and as it was said before there was that."""
    if calendar.method:
        yield f"METHOD:{without_breaks(calendar.method)}"
    for value, name, former in (
        (calendar.name, "NAME", "X-WR-CALNAME"),
        (calendar.description, "DESCRIPTION", "X-WR-CALDESC"),
    ):
        if value:
            yield f"{name}:{write_text(value)}"
            yield f"{former}:{write_text(value)}"
    if calendar.color:
        yield f"COLOR:{without_breaks(calendar.color)}"
        if calendar.color.startswith("#"):
            yield f"X-APPLE-CALENDAR-COLOR:{without_breaks(calendar.color)}"
    if calendar.zone is not None:
        yield f"X-WR-TIMEZONE:{without_breaks(calendar.zone)}"
    if calendar.refresh is not None:
        yield f"REFRESH-INTERVAL;VALUE=DURATION:{format_duration(calendar.refresh)}"
        yield f"X-PUBLISHED-TTL:{format_duration(calendar.refresh)}"


def _zones(components: Iterable[Component], home: str | None) -> dict[str, tuple[int, int]]:
    """Each zone that a VTIMEZONE must say of, with the first and the last year that are named in it."""
    years: dict[str, set[int]] = defaultdict(set)
    for one in components:
        for moment in (one.start, one.end, one.recurrence_id):
            if moment is not None and moment.zone is not None:
                years[moment.zone].add(moment.when.year)
        if one.start.zone is not None:
            years[one.start.zone].update(int(text[:4]) for text in one.extra)
    if home is not None and home not in years:
        # Who reads the zone of the owner and no VTIMEZONE takes UTC for that zone.
        years[home].update(year for found in (*years.values(),) for year in found)
        years[home] = years[home] or {2000}
    return {zone: (min(found), max(found)) for zone, found in years.items() if zone != "UTC"}


class _Lines:
    """The lines of one component, as they are written."""

    def __init__(self, component: Component) -> None:
        self._parameters = dict(component.parameters)
        self.written: list[str] = []

    def add(self, name: str, value: str, parameters: str = "") -> None:
        unknown = self._parameters.get(name, "")
        if not are_parameters(unknown):
            unknown = ""
        self.written.append(f"{name}{parameters}{unknown}:{value}")

    def add_text(self, name: str, text: str) -> None:
        if text:
            self.add(name, write_text(text))

    def add_moment(self, name: str, moment: Moment | None, parameters: str = "") -> None:
        if moment is not None:
            value = write_when(moment.when, utc=moment.zone == "UTC")
            self.add(name, value, parameters + _moment_parameters(moment))

    def add_instant(self, name: str, instant: datetime | None) -> None:
        if instant is not None:
            self.add(name, write_moment(instant))


def _moment_parameters(moment: Moment) -> str:
    if not moment.timed:
        return ";VALUE=DATE"
    return f";TZID={moment.zone}" if moment.zone not in (None, "UTC") else ""


def _component(component: Component) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    lines = _Lines(component)
    _add_identity(component, lines)
    _add_times(component, lines)
    _add_content(component, lines)
    yield from lines.written
    if component.organizer is not None:
        yield write_attendee("ORGANIZER", component.organizer)
    for attendee in component.attendees:
        yield write_attendee("ATTENDEE", attendee)
    yield from write_kept_lines(component.lines, UNDERSTOOD_OF_COMPONENTS)
    for alarm in component.alarms:
        yield from write_alarm(alarm, component.summary)
    yield from write_kept(component.components)
    yield "END:VEVENT"


def _add_identity(component: Component, lines: _Lines) -> None:
    lines.add_text("UID", component.uid)
    lines.add_instant("DTSTAMP", component.stamp)
    if component.sequence:
        lines.add("SEQUENCE", str(component.sequence))
    lines.add_instant("CREATED", component.created)
    lines.add_instant("LAST-MODIFIED", component.modified)
    lines.add_moment("RECURRENCE-ID", component.recurrence_id, ";RANGE=THISANDFUTURE" if component.following else "")


def _add_times(component: Component, lines: _Lines) -> None:
    lines.add_moment("DTSTART", component.start)
    lines.add_moment("DTEND", component.end)
    if component.duration is not None and component.end is None:
        lines.add("DURATION", format_duration(component.duration))
    utc = "Z" if component.start.zone == "UTC" else ""
    parameters = _moment_parameters(component.start)
    for rule in component.rules:
        lines.add("RRULE", without_breaks(rule))
    for text in component.extra:
        start, slash, lasts = without_breaks(text).partition("/")
        kind = ";VALUE=PERIOD" if slash else ""
        lines.add("RDATE", f"{start}{utc}{slash}{lasts}", kind + parameters)
    for text in component.excluded:
        lines.add("EXDATE", without_breaks(text) + utc, parameters)


def _add_content(component: Component, lines: _Lines) -> None:
    lines.add_text("SUMMARY", component.summary)
    lines.add_text("DESCRIPTION", component.description)
    lines.add_text("LOCATION", component.location)
    if component.url:
        lines.add("URL", without_breaks(component.url))
    if component.color:
        lines.add("COLOR", without_breaks(component.color))
    if component.categories:
        lines.add("CATEGORIES", ",".join(map(write_text, component.categories)))
    if component.status is not None:
        lines.add("STATUS", component.status)
    if component.transparent:
        lines.add("TRANSP", "TRANSPARENT")
