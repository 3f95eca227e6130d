"""Entries of a calendar as what an appointment is made with."""

import hashlib
import re
from bisect import bisect_right
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from sigdep.calendar.domain import fields
from sigdep.calendar.domain.appointment import OCCURRENCE_FIELDS, TIME_FIELDS, Appointment
from sigdep.calendar.domain.parting import LaterPart
from sigdep.calendar.domain.times import YEAR_MAX, YEAR_MIN, after, moved, write_when
from sigdep.calendar.events.appointments import ChangedOccurrence, Recurrence
from sigdep.calendar.interchange.alarms import reminders_of
from sigdep.calendar.interchange.people import attendee_of, one_line
from sigdep.calendar.interchange.remainder import color_of, remainder
from sigdep.ical.model import EPOCH, Component, Entry
from sigdep.ical.series import lasting, original_of, series_of
from sigdep.ical.writing import write_entry
from sigdep.kernel.errors import Invalid
from sigdep.recurrence.duration import Duration
from sigdep.recurrence.expansion import midnight
from sigdep.recurrence.series import Series, When
from sigdep.recurrence.text import read_moment

UNTITLED: Final = "(untitled)"

_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_URL: Final = re.compile(fields.URL_PATTERN)


class NotImported(Invalid):
    """An entry that makes sense, and that no appointment can be."""


class Incoming(Struct, frozen=True, kw_only=True):
    """One entry, with its fields as the commands have them."""

    uid: str
    fields: dict[str, Any]
    changed: tuple[ChangedOccurrence, ...]
    digest: str
    """Of what it says, by which it is known once it has been imported."""
    entry: Entry
    later: tuple[LaterPart, ...] = ()
    series: Series | None = None
    """As the file has it, where it has later parts."""

    @property
    def text(self) -> str:
        """Its components."""
        return write_entry(self.entry)


def incoming(entry: Entry) -> Incoming:
    """
    Raises:
        NotImported, Invalid
    """
    main = entry.main
    if main is None:
        raise NotImported("It changes single occurrences of a series that is not in the file.")
    content = _content(main) | {"recurrence": _recurrence(main), "sequence": main.sequence}
    ranges = [one for one in entry.overrides if one.following]
    parts = _parts(entry, main, ranges)
    return Incoming(
        uid=fields.uid(main.uid),
        fields=content,
        changed=_all_changed(parts[0], main, content, main.start.when, main.start.when),
        digest=digest_of(entry),
        entry=entry,
        later=_later(parts[1:], ranges, main),
        series=series_of(entry) if ranges else None,
    )


def refuse_older(found: Incoming, known: Incoming | Appointment) -> None:
    """
    Args:
        known: the version that was imported last; or, where none was, what is here.

    Raises:
        NotImported: the text has an older version of it.
    """
    sequence = known.fields["sequence"] if isinstance(known, Incoming) else known.sequence
    asked = found.fields["sequence"]
    if asked < sequence:
        raise NotImported(f"The text has an older version of it: SEQUENCE {asked}, where ours is {sequence}.")
    if asked > sequence or not isinstance(known, Incoming):
        return
    for name in ("LAST-MODIFIED", "DTSTAMP"):
        then, before = (_latest(one.entry, name) for one in (found, known))
        if then is None or before is None or then == before:
            continue
        if then < before:
            raise NotImported(
                f"The text has an older version of it: {name} {then:%Y-%m-%dT%H:%M:%SZ}, where ours is"
                f" {before:%Y-%m-%dT%H:%M:%SZ}."
            )
        return


def _latest(entry: Entry, name: str) -> datetime | None:
    """Of all its components. None: one of them does not say."""
    found = [one.modified if name == "LAST-MODIFIED" else one.stamp for one in entry.components()]
    known = [one for one in found if one is not None and one != EPOCH]
    return max(known) if len(known) == len(found) else None


def _parts(entry: Entry, main: Component, ranges: list[Component]) -> list[list[Component]]:
    """The changes of single occurrences, by the part of the series that they are in: the first, or that of a range."""
    parts: list[list[Component]] = [[] for _ in range(len(ranges) + 1)]
    begins = [midnight(original_of(one, main)) for one in ranges]
    for one in entry.overrides:
        if not one.following:
            parts[bisect_right(begins, midnight(original_of(one, main)))].append(one)
    return parts


def _later(parts: list[list[Component]], ranges: list[Component], main: Component) -> tuple[LaterPart, ...]:
    found: list[LaterPart] = []
    for place, (part, one) in enumerate(zip(parts, ranges, strict=True)):
        original = original_of(one, main)
        name = write_when(original)
        if one.status == "CANCELLED":
            if part or place < len(ranges) - 1:
                raise NotImported("It ends by RANGE=THISANDFUTURE, and goes on behind that: make two series of it.")
            return (*found, LaterPart(original=name, fields=None, changed=()))
        content = _content(one)
        changed = _all_changed(part, one, content, original, one.start.when, main)
        found.append(LaterPart(original=name, fields=content, changed=changed))
    return tuple(found)


def _all_changed(
    components: list[Component],
    part: Component,
    content: dict[str, Any],
    before: When,
    begun: When,
    main: Component | None = None,
) -> tuple[ChangedOccurrence, ...]:
    """
    Args:
        before: where the part began, as the file names its occurrences; `begun`: as the part itself does.
        main: what the file names them by. None: the part.
    """
    named = [(one, moved(original_of(one, main or part), before, begun)) for one in components]
    return tuple(one for it, name in named if (one := _changed(it, part, content, name)) is not None)


def digest_of(entry: Entry) -> str:
    """What the file says, whenever it was made: DTSTAMP is the time at which it was."""
    main = None if entry.main is None else replace(entry.main, stamp=EPOCH)
    said = Entry(uid=entry.uid, main=main, overrides=tuple(replace(one, stamp=EPOCH) for one in entry.overrides))
    return hashlib.sha256(write_entry(said).encode()).hexdigest()[:32]


def _content(component: Component) -> dict[str, Any]:
    """The fields that a series and one occurrence have alike."""
    start, end = _times(component)
    if not YEAR_MIN <= start.year <= YEAR_MAX:
        raise NotImported(
            f"It starts in the year {start.year:04}, and events have years between {YEAR_MIN} and {YEAR_MAX}."
        )
    url = component.url if len(component.url) <= fields.URL_LENGTH_MAX and _URL.fullmatch(component.url) else None
    return {
        "title": fields.title(one_line(component.summary) or UNTITLED),
        "description": fields.description(_CONTROLS.sub("", component.description) or None),
        "location": fields.location(_CONTROLS.sub("", component.location) or None),
        "start": write_when(start),
        "end": write_when(end),
        "time_zone": component.start.zone,
        "attendees": fields.attendees(tuple(one for it in component.attendees if (one := attendee_of(it)) is not None)),
        "reminders": fields.reminders(reminders_of(component.alarms)),
        "busy": not component.transparent,
        "status": (component.status or "CONFIRMED").lower(),
        "url": url,
        "color": color_of(component),
        "extra_properties": fields.extra_properties(remainder(component, url_fits=url is not None)),
    }


def _times(component: Component) -> tuple[When, When]:
    """On the wall of the zone of the start."""
    start, end = component.start, component.end
    if end is not None and end.zone != start.zone and start.zone is not None:
        return start.when, after(start.when, lasting(component) or Duration(), start.zone)
    if end is not None:
        return start.when, end.when
    lasts = component.duration or Duration(days=0 if start.timed else 1)
    return start.when, after(start.when, lasts, start.zone)


def _recurrence(main: Component) -> Recurrence | None:
    recurrence = Recurrence(
        rules=main.rules,
        extra_dates=tuple(map(_extended, main.extra)),
        excluded_dates=tuple(map(_extended, main.excluded)),
    )
    return None if recurrence == Recurrence() else recurrence


def _extended(text: str) -> str:
    """`20261201T090000/PT1H` as `2026-12-01T09:00:00/PT1H`."""
    start, slash, lasts = text.partition("/")
    when = read_moment(start)
    assert when is not None
    return write_when(when) + slash + lasts


def _changed(component: Component, main: Component, series: dict[str, Any], original: When) -> ChangedOccurrence | None:
    """What is different from the series. None: nothing."""
    if component.status == "CANCELLED":
        return ChangedOccurrence(occurrence=write_when(original), cancelled=True)
    own = _content(component)
    differs = {
        name: own[name]
        for name in OCCURRENCE_FIELDS
        if name not in (*TIME_FIELDS, "extra_properties") and own[name] != series[name]
    }
    if (
        component.start.when != original
        or component.start.zone != main.start.zone
        or lasting(component) != lasting(main)
    ):
        differs |= {name: own[name] for name in TIME_FIELDS}
    if own["extra_properties"] != series["extra_properties"] and (differs or own["extra_properties"]):
        differs["extra_properties"] = own["extra_properties"]
    return ChangedOccurrence(occurrence=write_when(original), **differs) if differs else None
