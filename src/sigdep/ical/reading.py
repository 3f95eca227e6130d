"""Reads a calendar: octets to entries, each of which a series can be made of, and reasons for all others."""

from collections import Counter
from typing import Final

from msgspec.structs import replace

from sigdep.ical.blocks import Block, read_blocks
from sigdep.ical.component import ComponentReading, read_color
from sigdep.ical.keeping import Keeper
from sigdep.ical.model import Calendar, Component, Entry, Reading, Refusal, Repair
from sigdep.ical.refusals import UnreadableCalendar, UnreadableComponent
from sigdep.ical.series import original_of, series_of
from sigdep.ical.values import Moment, read_signed_duration, read_text
from sigdep.ical.zone_names import zone_called
from sigdep.ical.zones import Zones
from sigdep.kernel.errors import Invalid
from sigdep.recurrence.duration import Duration
from sigdep.recurrence.expansion import midnight
from sigdep.recurrence.series import OVERRIDES_MAX

UNDERSTOOD: Final = {
    *("VERSION", "PRODID", "CALSCALE", "METHOD", "NAME", "X-WR-CALNAME", "DESCRIPTION", "X-WR-CALDESC", "COLOR"),
    *("X-APPLE-CALENDAR-COLOR", "X-WR-TIMEZONE", "REFRESH-INTERVAL", "X-PUBLISHED-TTL"),
}
COMPONENTS_OF_UID_MAX: Final = 2 * (OVERRIDES_MAX + 1)
"""Each once more than a series may have: some programs write the older ones, too."""
NAMES_SHOWN_MAX: Final = 50
"""Of components that are passed over."""


def read(octets: bytes) -> Reading:
    """All that the text says. What cannot be read of it is refused one by one, with a sentence for each.

    Raises:
        UnreadableCalendar: the text as a whole is no calendar, is too large, or nested too deeply.
    """
    calendars = [block for block in read_blocks(octets) if block.name == "VCALENDAR"]
    if not calendars:
        raise UnreadableCalendar("The text has no BEGIN:VCALENDAR, so it is no calendar.")
    readings = _Components()
    for block in calendars:
        readings.add(block)
    entries = tuple(readings.entries())
    return Reading(
        calendar=_calendar(calendars[0], entries),
        refused=tuple(sorted(readings.refused, key=lambda one: one.line)),
        repaired=tuple(readings.repaired),
        passed_over=tuple(readings.passed_over.most_common(NAMES_SHOWN_MAX)),
    )


def read_entry(text: str) -> Entry:
    """What `write_entry` has written.

    Raises:
        Invalid: it is nothing of the kind.
    """
    entries = read(f"BEGIN:VCALENDAR\r\n{text}END:VCALENDAR\r\n".encode()).calendar.entries
    if len(entries) != 1:
        raise UnreadableComponent("This is no entry of a calendar.")
    return entries[0]


def _calendar(block: Block, entries: tuple[Entry, ...]) -> Calendar:
    return Calendar(
        name=read_text(block.text("NAME") or block.text("X-WR-CALNAME")),
        description=read_text(block.text("DESCRIPTION") or block.text("X-WR-CALDESC")),
        color=read_color(block.text("COLOR")) or read_color(block.text("X-APPLE-CALENDAR-COLOR")),
        zone=zone_called(block.text("X-WR-TIMEZONE")),
        refresh=_refresh(block),
        method=block.text("METHOD").strip().upper()[:20],
        entries=entries,
        lines=Keeper().lines(line for line in block.lines if line.name not in UNDERSTOOD),
    )


def _refresh(block: Block) -> Duration | None:
    found = read_signed_duration(block.text("REFRESH-INTERVAL") or block.text("X-PUBLISHED-TTL"))
    return None if found is None or found[1] else found[0]


class _Components:
    """Those of all calendars of a file, by their UIDs."""

    def __init__(self) -> None:
        self.refused: list[Refusal] = []
        self.repaired: list[Repair] = []
        self.passed_over: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._broken: set[str] = set()
        self._found: dict[str, list[tuple[int, Component]]] = {}

    def add(self, calendar: Block) -> None:
        zones = Zones(
            [block for block in calendar.blocks if block.name == "VTIMEZONE"],
            zone_called(calendar.text("X-WR-TIMEZONE")),
        )
        for block in calendar.blocks:
            if block.name == "VEVENT":
                self._read(block, zones)
            elif block.name != "VTIMEZONE":
                self.passed_over[block.name[:40]] += 1

    def _read(self, block: Block, zones: Zones) -> None:
        uid = ""
        try:
            reading = ComponentReading(block, zones)
            uid = reading.uid
            self._counts[uid] += 1
            if self._counts[uid] > COMPONENTS_OF_UID_MAX:
                return  # Refused below, all of them: as quickly as so many are read.
            component = reading.read()
        except Invalid as error:
            self.refused.append(Refusal(uid=uid, line=block.number, reason=error.detail))
            self._broken.add(uid)
            return
        self._found.setdefault(uid, []).append((block.number, component))
        self._repair(uid, *reading.repairs)

    def _repair(self, uid: str, *details: str) -> None:
        self.repaired += [Repair(uid=uid, detail=detail) for detail in details]

    def entries(self) -> list[Entry]:
        """Those of which a series can be made."""
        entries: list[Entry] = []
        for uid, found in self._found.items():
            try:
                entry = self._entry(uid, [component for _, component in found])
                series_of(entry)
            except Invalid as error:
                self.refused.append(Refusal(uid=uid, line=found[0][0], reason=error.detail))
            else:
                # Single occurrences of a series that was refused say too little without it.
                if entry.main is not None or uid not in self._broken:
                    entries.append(entry)
        return entries

    def _entry(self, uid: str, components: list[Component]) -> Entry:
        """Of several that say the same the latest counts: by SEQUENCE, then by DTSTAMP (RFC 5546 §2.1.5)."""
        if self._counts[uid] > COMPONENTS_OF_UID_MAX:
            raise UnreadableComponent(
                f"A UID has at most {COMPONENTS_OF_UID_MAX:,} components; this one has {self._counts[uid]:,}."
            )
        ordered = sorted(components, key=lambda one: (one.sequence, one.stamp))
        mains = [one for one in ordered if one.recurrence_id is None]
        main = mains[-1] if mains else None
        if len(mains) > 1:
            self._repair(uid, f"It was there {len(mains):,} times: the latest was read.")
        overrides: dict[tuple[object, bool], Component] = {}
        for one in ordered:
            if one.recurrence_id is not None:
                original = one.recurrence_id if main is None else _on_wall_of(main, one)
                overrides[original, one.following] = replace(one, recurrence_id=original)
        return Entry(uid=uid, main=main, overrides=tuple(sorted(overrides.values(), key=_place)))


def _on_wall_of(main: Component, override: Component) -> Moment:
    original = original_of(override, main)
    return Moment(original, main.start.zone if main.start.timed else None)


def _place(override: Component) -> tuple[str, bool]:
    assert override.recurrence_id is not None
    return midnight(override.recurrence_id.when).isoformat(), override.following
