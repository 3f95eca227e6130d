"""From rows to occurrences: each appointment is made ready for the recurrence engine, and kept for the next time."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from threading import Lock
from typing import Final
from uuid import UUID

import msgspec

from sigdep.calendar.domain.appointment import Appointment, attendees_of, is_date
from sigdep.calendar.domain.series import series_of
from sigdep.calendar.domain.times import write_when
from sigdep.calendar.events.appointments import ChangedOccurrence
from sigdep.calendar.queries import Occurrence
from sigdep.kernel.errors import Invalid
from sigdep.kernel.ids import text_of
from sigdep.kernel.messages import UNSET
from sigdep.kernel.read_store import Row
from sigdep.recurrence import occurrences as engine
from sigdep.recurrence.budget import Budget
from sigdep.recurrence.series import Series, When

KEPT_MAX: Final = 5_000
"""About 4 kB each."""

STEPS_MAX: Final = 50_000
"""For one appointment in one question: what may be stored needs fewer in a year."""

STRETCH: Final = timedelta(days=16)
"""Occurrences are kept in stretches of time. A week lies in two of them at most, a month in three."""
STRETCHES_AT_ONCE: Final = 4
"""A longer question is answered as it goes along, and what it finds is not kept."""
FOUND_KEPT_MAX: Final = 100_000
"""Occurrences that are kept, of all appointments together: some 40 MB."""

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)

_decode: Final = msgspec.json.Decoder(Appointment).decode

Place = tuple[datetime, UUID, str]
"""Where an occurrence stands in a list: its start, its appointment, its original start."""


@dataclass(frozen=True, slots=True)
class Found:
    """One occurrence of one appointment."""

    of: "Ready"
    original: str | None
    """None: it is no series."""
    start: str
    end: str
    zone: str | None
    starts_at: datetime
    ends_at: datetime

    @property
    def place(self) -> Place:
        return self.starts_at, self.of.appointment.id, self.original or ""

    @property
    def changed(self) -> ChangedOccurrence:
        return self.of.changed.get(self.original or "") or ChangedOccurrence(occurrence=self.original or "")

    @property
    def as_it_is(self) -> Appointment:
        """The appointment with everything that is different about this occurrence."""
        appointment, changed = self.of.appointment, self.changed
        differs = {name: value for name in _SHOWN if (value := getattr(changed, name)) is not UNSET}
        differs |= {"start": self.start, "end": self.end, "time_zone": self.zone, "all_day": is_date(self.start)}
        return msgspec.structs.replace(appointment, **differs, attendees=attendees_of(appointment, changed))

    def shown(self) -> Occurrence:
        changed = self.original in self.of.changed
        one = self.as_it_is if changed else self.of.appointment
        return Occurrence(
            occurrence_id=self.of.name if self.original is None else f"{self.of.name}_{self.original}",
            id=one.id,
            occurrence=self.original,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            workspace_id=one.workspace_id,
            calendar_id=one.calendar_id,
            uid=one.uid,
            title=one.title,
            description=one.description,
            location=one.location,
            all_day=is_date(self.start),
            start=self.start,
            end=self.end,
            time_zone=self.zone,
            attendees=one.attendees,
            reminders=one.reminders,
            busy=one.busy,
            status=one.status,
            url=one.url,
            color=one.color,
            changed=changed,
            version=one.version,
        )


_SHOWN: Final = ("title", "description", "location", "reminders", "busy", "status", "url", "color")


@dataclass(frozen=True, slots=True)
class Ready:
    """An appointment, ready to be asked when it happens."""

    appointment: Appointment
    series: Series
    changed: Mapping[str, ChangedOccurrence]
    name: str
    """Its id."""

    @property
    def recurs(self) -> bool:
        return self.appointment.recurrence is not None or bool(self.changed)

    def within(self, begin: datetime, end: datetime | None, zone: str) -> Iterator[Found]:
        """What is on between two instants, by start and then by original start; lazily.

        Raises:
            RuleTooCostly: nobody could say.
        """
        span, budget = engine.Span(begin, end, zone), Budget(STEPS_MAX)
        found = map(self._found, engine.occurrences(self.series, span, budget))
        for _, together in groupby(found, key=lambda one: one.starts_at):
            yield from sorted(together, key=lambda one: one.original or "")

    def single(self, original: When, zone: str) -> Found | None:
        """What became of one occurrence. None: it was cancelled, or is none."""
        if isinstance(original, datetime) != self.series.timed:
            return None
        one = engine.occurrence(self.series, original, zone, Budget(STEPS_MAX))
        return None if one is None else self._found(one)

    def _found(self, one: engine.Occurrence) -> Found:
        return Found(
            of=self,
            original=write_when(one.original) if self.recurs else None,
            start=write_when(one.start),
            end=write_when(one.end),
            zone=one.zone,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
        )


def ready(appointment: Appointment) -> Ready:
    """
    Raises:
        Invalid: it cannot be read any more, as where its zone has been renamed.
    """
    changed = {one.occurrence: one for one in appointment.changed_occurrences}
    return Ready(appointment, series_of(appointment), changed, text_of(appointment.id))


class Expansions:
    """Remembers what has been made ready last, by appointment and version, and what was found of it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, tuple[int, bytes, Ready]] = OrderedDict()
        self._found: OrderedDict[tuple[UUID, int, int, str], Sequence[Found]] = OrderedDict()
        self._found_count = 0
        self._lock = Lock()  # Many rows are looked at in a thread beside the event loop.

    def of(self, row: Row) -> Ready | None:
        """
        Args:
            row: the columns `id`, `version` and `document`.

        Returns:
            None: it cannot be read any more, and is left out rather than standing in the way of all others.
        """
        identity, version, document = row["id"], row["version"], row["document"]
        assert isinstance(identity, UUID)
        assert isinstance(version, int)
        assert isinstance(document, bytes)
        kept = self._kept.get(identity)
        if kept is not None and kept[0] == version and kept[1] == document:
            return kept[2]
        try:
            made = ready(_decode(document))
        except Invalid:
            return None
        with self._lock:
            self._kept[identity] = (version, document, made)
            self._kept.move_to_end(identity)
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return made

    def within(self, one: Ready, begin: datetime, end: datetime, zone: str) -> Iterator[Found]:
        """As `Ready.within`, at once where somebody has looked there before.

        Raises:
            RuleTooCostly: nobody could say.
        """
        first, last = (begin - _BEGINNING) // STRETCH, (end - _BEGINNING) // STRETCH
        if not one.recurs or last - first >= STRETCHES_AT_ONCE:
            yield from one.within(begin, end, zone)
            return
        for stretch in range(first, last + 1):
            starts = _BEGINNING + stretch * STRETCH
            for found in self._stretch(one, stretch, zone):
                new = stretch == first or found.starts_at >= starts  # Else it is of an earlier stretch as well.
                if new and found.starts_at < end and is_on(found, begin):
                    yield found

    def _stretch(self, one: Ready, stretch: int, zone: str) -> Sequence[Found]:
        key = (one.appointment.id, one.appointment.version, stretch, zone)
        kept = self._found.get(key)
        if kept is not None and (not kept or kept[0].of is one):
            return kept
        starts = _BEGINNING + stretch * STRETCH
        found = tuple(one.within(starts, starts + STRETCH, zone))
        with self._lock:
            self._found_count += len(found) + 1 - self._weight(key)
            self._found[key] = found
            self._found.move_to_end(key)
            while self._found_count > FOUND_KEPT_MAX:
                oldest = next(iter(self._found))
                self._found_count -= self._weight(oldest)
                del self._found[oldest]
        return found

    def _weight(self, key: tuple[UUID, int, int, str]) -> int:
        """What an entry counts: an empty one is something to remember, too."""
        kept = self._found.get(key)
        return 0 if kept is None else len(kept) + 1


def is_on(found: Found, begin: datetime) -> bool:
    """Whether it is not over by then. What does not last is on when it starts."""
    return found.ends_at > begin or found.starts_at == found.ends_at >= begin
