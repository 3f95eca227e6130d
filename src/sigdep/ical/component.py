"""Reads one VEVENT."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from sigdep.ical.alarms import ALARMS_MAX, read_alarm
from sigdep.ical.blocks import Block, nest
from sigdep.ical.keeping import Keeper
from sigdep.ical.lines import Line, read_parameters
from sigdep.ical.model import EPOCH, Alarm, Attendee, Component, Kept, Status
from sigdep.ical.people import read_attendee
from sigdep.ical.recurring import Recurring
from sigdep.ical.refusals import UnreadableComponent
from sigdep.ical.times import MOMENT_PARAMETERS, Times, at_home, read_moment
from sigdep.ical.values import read_instant, read_text, read_texts
from sigdep.ical.zones import Zones

UID_CHARACTERS_MAX: Final = 1_000
ATTENDEES_MAX: Final = 1_000
CATEGORIES_MAX: Final = 100

SINGLE: Final = {
    *("UID", "SEQUENCE", "DTSTAMP", "CREATED", "LAST-MODIFIED", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION"),
    *("SUMMARY", "DESCRIPTION", "LOCATION", "URL", "COLOR", "STATUS", "TRANSP", "ORGANIZER"),
}
"""Of these there is one. A second is left out."""
SEVERAL: Final = {"RRULE", "RDATE", "EXDATE", "EXRULE", "CATEGORIES", "ATTENDEE"}
UNDERSTOOD: Final = SINGLE | SEVERAL

_WITH_MOMENT: Final = {"RECURRENCE-ID", "DTSTART", "DTEND"}
_COLOR: Final = re.compile(r"[A-Za-z]{1,30}|#[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?", re.ASCII)


class ComponentReading:
    """What one block says. `repairs` tells what the standard knows not, or what was left out."""

    def __init__(self, block: Block, zones: Zones) -> None:
        self._block, self._zones = block, zones
        self._keeper = Keeper()
        self._lines: dict[str, list[Line]] = {}
        self.repairs: list[str] = []
        for line in block.lines:
            self._lines.setdefault(line.name, []).append(line)
        self.uid = self._read_uid()

    def read(self) -> Component:
        """Raises Invalid, mostly UnreadableComponent."""
        times = Times(self._lines, self._zones)
        if self._lines.get("RRULE") and times.start.zone == "UTC" and self._zones.home is not None:
            times.start = at_home(times.start, self._zones.home)
        recurring = Recurring(times.start, self._lines, self._zones)
        recurrence_id, following = self._read_recurrence_id()
        fields = {field: read(self._value(name)) for name, field, read in _FIELDS if name in self._lines}
        alarms, components = self._read_blocks()
        component = Component(
            uid=self.uid,
            start=times.start,
            end=times.end,
            duration=times.duration,
            rules=recurring.rules,
            extra=recurring.extra,
            excluded=recurring.excluded,
            recurrence_id=recurrence_id,
            following=following,
            categories=self._read_categories(),
            organizer=next(self._people("ORGANIZER"), None),
            attendees=self._read_attendees(),
            alarms=alarms,
            parameters=tuple(self._unknown_parameters()),
            lines=self._keeper.lines(line for line in self._block.lines if line.name not in UNDERSTOOD),
            components=components,
            **fields,
        )
        self._report(times.repairs + recurring.repairs)
        return component

    def _value(self, name: str) -> str:
        lines = self._lines.get(name)
        return lines[0].value if lines else ""

    def _read_uid(self) -> str:
        uid = read_text(self._value("UID")).strip()
        if len(uid) > UID_CHARACTERS_MAX:
            raise UnreadableComponent(f"UID: at most {UID_CHARACTERS_MAX:,} characters are read.")
        if uid:
            return uid
        self.repairs.append("It had no UID, and was given one that is always the same for the same content.")
        content = "\n".join(line.text for line in self._block.lines if line.name != "DTSTAMP")
        return f"{hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:32]}@without-uid"

    def _read_recurrence_id(self) -> tuple[Any, bool]:
        lines = self._lines.get("RECURRENCE-ID")
        if not lines:
            return None, False
        known, _ = read_parameters(lines[0].written_parameters, ("RANGE",))
        return read_moment(lines[0], self._zones), known.get("RANGE", "").upper() == "THISANDFUTURE"

    def _read_categories(self) -> tuple[str, ...]:
        found = (text for line in self._lines.get("CATEGORIES", ()) for text in read_texts(line.value))
        categories = tuple(dict.fromkeys(found))
        if len(categories) > CATEGORIES_MAX:
            self.repairs.append(f"Of {len(categories):,} categories the first {CATEGORIES_MAX} were read.")
        return categories[:CATEGORIES_MAX]

    def _read_attendees(self) -> tuple[Attendee, ...]:
        attendees = tuple({one.address.casefold(): one for one in self._people("ATTENDEE")}.values())
        if len(attendees) > ATTENDEES_MAX:
            raise UnreadableComponent(f"ATTENDEE: at most {ATTENDEES_MAX:,} people; this one has {len(attendees):,}.")
        return attendees

    def _people(self, name: str) -> Iterator[Attendee]:
        return (one for line in self._lines.get(name, ()) if (one := read_attendee(line)) is not None)

    def _read_blocks(self) -> tuple[tuple[Alarm, ...], tuple[Kept, ...]]:
        alarms: list[Alarm] = []
        others: list[Block] = []
        summary = read_text(self._value("SUMMARY"))
        for block in self._block.blocks:
            alarm = None
            if block.name == "VALARM" and len(alarms) < ALARMS_MAX:
                alarm = read_alarm(block, self._keeper, summary)
            if alarm is None:
                others.append(block)
            else:
                alarms.append(alarm)
        return tuple(alarms), self._keeper.components(others)

    def _unknown_parameters(self) -> Iterator[tuple[str, str]]:
        for name in sorted(SINGLE & self._lines.keys() - {"ORGANIZER"}):
            written = self._lines[name][0].written_parameters
            if written:
                known = (*MOMENT_PARAMETERS, "RANGE") if name in _WITH_MOMENT else ("VALUE",)
                _, rest = read_parameters(written, known)
                if rest:
                    yield name, rest

    def _report(self, repairs: list[str]) -> None:
        self.repairs += repairs
        twice = sorted(name for name in SINGLE & self._lines.keys() if len(self._lines[name]) > 1)
        if twice:
            self.repairs.append(f"There was more than one {', '.join(twice)}: the first was read.")
        if self._keeper.left_out:
            names = ", ".join(dict.fromkeys(self._keeper.left_out))
            self.repairs.append(f"Too large, and left out: {names[:200]}.")
        if self._block.unreadable:
            numbers = ", ".join(f"{number:,}" for number in self._block.unreadable[:10])
            self.repairs.append(f"No content lines, and left out: {numbers}.")


def read_component(lines: Iterable[str]) -> Component:
    """What the unfolded lines of one component say, without its BEGIN and END. Raises Invalid."""
    return ComponentReading(nest(enumerate(lines, 1)), Zones([])).read()


def _read_sequence(value: str) -> int:
    value = value.strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else 0


def _read_status(value: str) -> Status | None:
    match value.strip().upper():
        case "TENTATIVE" | "CONFIRMED" | "CANCELLED" as status:
            return status
        case _:
            return None


def read_color(value: str) -> str:
    """A name of CSS 3 in small letters, or #rrggbb; empty for what is neither. Apple's transparency is left out."""
    value = value.strip()
    return value[:7].lower() if value.startswith("#") and _COLOR.fullmatch(value) else _named_color(value)


def _named_color(value: str) -> str:
    return value.lower() if _COLOR.fullmatch(value) else ""


_FIELDS: Final[tuple[tuple[str, str, Callable[[str], Any]], ...]] = (
    ("SEQUENCE", "sequence", _read_sequence),
    ("DTSTAMP", "stamp", lambda value: read_instant(value) or EPOCH),
    ("CREATED", "created", read_instant),
    ("LAST-MODIFIED", "modified", read_instant),
    ("SUMMARY", "summary", read_text),
    ("DESCRIPTION", "description", read_text),
    ("LOCATION", "location", read_text),
    ("URL", "url", str.strip),
    ("COLOR", "color", read_color),
    ("STATUS", "status", _read_status),
    ("TRANSP", "transparent", lambda value: value.strip().upper() == "TRANSPARENT"),
)
