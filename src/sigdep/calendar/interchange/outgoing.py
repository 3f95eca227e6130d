"""Appointments as entries of a calendar."""

from datetime import UTC, datetime
from typing import Any, Final

from msgspec.structs import replace

from sigdep.calendar.domain.appointment import OCCURRENCE_FIELDS, Appointment, attendees_of
from sigdep.calendar.domain.calendar import Calendar as Kept
from sigdep.calendar.domain.series import times_of
from sigdep.calendar.domain.times import Times, after, read_when
from sigdep.calendar.events.appointments import ChangedOccurrence, Recurrence
from sigdep.calendar.interchange import alarms, people
from sigdep.calendar.interchange.remainder import COLOR, color_of, read_remainder
from sigdep.ical.colors import nearest_name, shown_color
from sigdep.ical.model import Calendar, Component, Entry, Status
from sigdep.ical.values import Moment, write_when
from sigdep.kernel.messages import UNSET
from sigdep.recurrence.duration import Duration
from sigdep.recurrence.series import When
from sigdep.recurrence.zones import is_left_out, zone_named

REFRESH: Final = Duration(seconds=3600)
"""How often whoever subscribes should look again."""

_STATUSES: Final[dict[str, Status]] = {"confirmed": "CONFIRMED", "tentative": "TENTATIVE", "cancelled": "CANCELLED"}
_NONE: Final = Recurrence()


def calendar_of(kept: Kept, entries: tuple[Entry, ...]) -> Calendar:
    return Calendar(
        name=kept.name,
        description=kept.description or "",
        color=kept.color or "",
        zone=kept.time_zone,
        refresh=REFRESH,
        method="PUBLISH",
        entries=entries,
    )


def entry_of(appointment: Appointment) -> Entry:
    """The whole of it: the series, and each occurrence that is different."""
    series = {name: getattr(appointment, name) for name in OCCURRENCE_FIELDS}
    recurrence = appointment.recurrence or _NONE
    gone = [one.occurrence for one in appointment.changed_occurrences if one.cancelled]
    excluded = dict.fromkeys((*recurrence.excluded_dates, *gone))
    main = replace(
        _component(appointment, series),
        rules=recurrence.rules,
        extra=tuple(map(_basic, recurrence.extra_dates)),
        excluded=tuple(map(_basic, excluded)),
    )
    overrides = (_override(appointment, series, one) for one in appointment.changed_occurrences if not one.cancelled)
    return Entry(uid=appointment.uid, main=main, overrides=tuple(overrides))


def _override(appointment: Appointment, series: dict[str, Any], changed: ChangedOccurrence) -> Component:
    own = {name: value for name in OCCURRENCE_FIELDS if (value := getattr(changed, name)) is not UNSET}
    original = _when(changed.occurrence)
    if "start" not in own:
        own |= {
            "start": changed.occurrence,
            "end": after(original, times_of(appointment).duration, appointment.time_zone).isoformat(),
        }
    own["attendees"] = attendees_of(appointment, changed)
    moment = Moment(original, appointment.time_zone if isinstance(original, datetime) else None)
    return replace(_component(appointment, series | own), recurrence_id=moment)


def _component(appointment: Appointment, content: dict[str, Any]) -> Component:
    kept = read_remainder(content["extra_properties"])
    start, end, zone = _when(content["start"]), _when(content["end"]), content["time_zone"]
    timed = isinstance(start, datetime)
    duration = None
    if isinstance(start, datetime):
        if kept.duration is not None and after(start, kept.duration, zone) == end:
            duration = kept.duration
        elif zone is not None and is_left_out(start, zone_named(zone)):
            duration = Times(start, end, zone).duration  # An end on the wall would say something else to others.
    return replace(
        kept,
        uid=appointment.uid,
        sequence=appointment.sequence,
        stamp=_whole(appointment.updated_at),
        created=_whole(appointment.created_at),
        modified=_whole(appointment.updated_at),
        start=Moment(start, zone if timed else None),
        end=None if duration is not None or end == start else Moment(end, zone if timed else None),
        duration=duration,
        summary=content["title"],
        description=content["description"] or "",
        location=content["location"] or "",
        url=content["url"] or kept.url,
        color=_color(content["color"], kept),
        status=_STATUSES[content["status"]],
        transparent=not content["busy"],
        attendees=people.with_kept(content["attendees"], kept.attendees),
        alarms=alarms.with_kept(content["reminders"], kept.alarms),
        lines=(*kept.lines, *_exact_color(content["color"])),
    )


def _color(shown: str | None, kept: Component) -> str:
    """By a name, as the standard has it: the one that came, where it is still that color."""
    if shown is None:
        return ""
    return kept.color if color_of(kept) == shown else nearest_name(shown)


def _exact_color(shown: str | None) -> list[str]:
    return [f"{COLOR}:{shown}"] if shown is not None and shown_color(nearest_name(shown)) != shown else []


def _when(text: str) -> When:
    return read_when(text, "/start")


def _basic(text: str) -> str:
    """`2026-12-01T09:00:00/PT1H` as `20261201T090000/PT1H`."""
    start, slash, lasts = text.partition("/")
    return write_when(_when(start)) + slash + lasts


def _whole(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(microsecond=0)
