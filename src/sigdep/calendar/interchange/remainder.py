"""What a component says that no field of ours does: lines of iCalendar, kept with the appointment."""

from collections.abc import Collection, Iterable
from typing import Final

from msgspec.structs import replace

from sigdep.calendar.interchange import alarms, people
from sigdep.ical.colors import nearest_name, shown_color
from sigdep.ical.component import read_color, read_component
from sigdep.ical.lines import read_line, read_parameters
from sigdep.ical.model import EPOCH, Component
from sigdep.ical.values import Moment
from sigdep.ical.writing import component_lines
from sigdep.kernel.errors import Invalid

IMPORTED: Final = "X-SIGDEP-IMPORTED"
"""By which what was imported was known, before that had a place of its own. It is not exported."""
PARAMETERS: Final = "X-SIGDEP-PARAMETERS"
"""Parameters that we do not understand, of a property that we do."""

COLOR: Final = "X-SIGDEP-COLOR"
"""A color that has no name, beside the name that is nearest to it."""

_START: Final = Moment(EPOCH.date())
_ALWAYS: Final = ("UID", "DTSTAMP", "DTSTART")
"""What every component has."""


def remainder(component: Component, *, url_fits: bool) -> tuple[str, ...]:
    """
    Args:
        url_fits: its URL is kept as a field.
    """
    rest = replace(
        component,
        uid="-",
        sequence=0,
        stamp=EPOCH,
        created=None,
        modified=None,
        start=_START,
        end=None,
        duration=component.duration
        if component.duration and component.duration.days and component.start.timed
        else None,
        rules=(),
        extra=(),
        excluded=(),
        recurrence_id=None,
        following=False,
        summary="",
        description="",
        location="",
        url="" if url_fits else component.url,
        color="" if component.color.startswith("#") or _is_plain(component.color) else component.color,
        status=None,
        transparent=False,
        # In the order in which they are written again: those that are none of ours come last.
        attendees=tuple(
            map(people.without_answer, sorted(filter(people.says_more, component.attendees), key=people.is_strange))
        ),
        alarms=tuple(sorted(filter(alarms.says_more, component.alarms), key=alarms.is_strange)),
        parameters=(),
        lines=tuple(without(component.lines, (COLOR,))),
    )
    lines = without(component_lines(rest), _ALWAYS)
    return (*lines, *(f"{PARAMETERS};PROPERTY={name}{written}:" for name, written in component.parameters))


def _is_plain(color: str) -> bool:
    """It is what we would call it ourselves."""
    shown = shown_color(color)
    return shown is not None and nearest_name(shown) == color


def without(lines: Iterable[str], names: Collection[str]) -> list[str]:
    """The lines but those of these names that are the component's own: an alarm within it has a UID, too."""
    kept: list[str] = []
    depth = 0
    for line in lines:
        name = _name(line)
        depth += name == "BEGIN"
        if depth or name not in names:
            kept.append(line)
        depth -= name == "END"
    return kept


def read_remainder(lines: Iterable[str]) -> Component:
    """What was kept, as a component without content. Lines that make no sense are left out."""
    kept = without(lines, (*_ALWAYS, IMPORTED))
    parameters = [line for line in kept if _name(line) == PARAMETERS]
    others = without(kept, (PARAMETERS,))
    start = "DTSTART:19700101T000000" if any(_name(line) == "DURATION" for line in others) else "DTSTART:19700101"
    try:
        component = read_component(["UID:-", start, *others])
    except Invalid:
        component = read_component(["UID:-", start])
    return replace(component, parameters=tuple(filter(None, map(_parameters, parameters))))


def _name(line: str) -> str:
    return line.partition(":")[0].partition(";")[0].upper()


def _parameters(text: str) -> tuple[str, str] | None:
    line = read_line(text)
    if line is None:
        return None
    known, rest = read_parameters(line.written_parameters, ("PROPERTY",))
    return (known.get("PROPERTY", "").upper(), rest) if rest else None


def color_of(component: Component) -> str | None:
    """As `#rrggbb`; as exactly as we have written it ourselves, where we have."""
    exact = next((line.partition(":")[2] for line in component.lines if _name(line) == COLOR), "")
    return shown_color(read_color(exact) or component.color)
