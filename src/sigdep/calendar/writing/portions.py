"""Reads a text to be imported, and measures off how much of it one request takes over."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Struct

from sigdep.calendar.domain.parting import COMPARED
from sigdep.calendar.domain.series import check_series
from sigdep.calendar.domain.three_way import Conflict
from sigdep.calendar.interchange.incoming import Incoming, incoming
from sigdep.calendar.queries import ConflictingChange, Imported, RepairedEntry, SkippedEntry
from sigdep.ical.model import Calendar, Entry, Reading
from sigdep.ical.reading import read
from sigdep.ical.series import series_of
from sigdep.kernel.errors import Fault, Invalid, Unavailable
from sigdep.kernel.messages import UNSET
from sigdep.recurrence.budget import STEPS_MAX, Budget

EVENTS_MAX: Final = 5_000
"""That one request takes over. Each changed occurrence counts as one more."""
RECKONING_STEPS_MAX: Final = 200_000
"""Of finding out when they happen, for all of one request together: less than a second of work. A weekly series takes
ten, one that happens every hour four thousand."""
SECONDS_MAX: Final = 15.0
"""A request that has taken so long on a slow machine ends, and says where to go on."""

WAITING_MAX: Final = 8
WAITING_SECONDS_MAX: Final = 5.0
FAULTS_SHOWN_MAX: Final = 20
SHOWN_MAX: Final = 500
"""Of what was skipped, and of what was repaired."""

SHOWN_CHARACTERS_MAX: Final = 200
"""Of a value that was changed on both sides."""

Became = Literal["created", "updated", "unchanged"]


class TakenOver(NamedTuple):
    """One entry that was not skipped."""

    became: Became
    conflicts: Sequence[ConflictingChange] = ()


def conflicting(uid: str, conflict: Conflict) -> ConflictingChange:
    """As it is told."""
    return ConflictingChange(
        uid=uid,
        field=conflict.field,
        occurrence=conflict.occurrence,
        here=_shown(conflict.here),
        there=_shown(conflict.there),
        taken=conflict.taken,
    )


def _shown(value: Any) -> str | None:
    if value is None or value is UNSET:
        return None
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[: SHOWN_CHARACTERS_MAX - 1] + "…"


class TooMuchAtOnce(Invalid):
    """More than one request takes over. Nothing of it was."""


class NothingReadable(Invalid):
    """There are events in the text, and none of them makes sense."""


class Portion(Struct, frozen=True):
    """What one request takes over of a text."""

    reading: Reading
    entries: Sequence[Incoming | SkippedEntry]
    """Each as what an appointment is made with, or why it is none."""
    skipped: int
    """How many lie before them."""


class Readers:
    """Reads texts beside the event loop, one after the other: more at once would only be slower."""

    def __init__(self) -> None:
        self._waiting = 0
        self._turn = asyncio.Lock()

    async def read(self, text: bytes, skip: int | None) -> Portion:
        """
        Raises:
            UnreadableCalendar: the text as a whole is no calendar.
            TooMuchAtOnce: `skip` is None, and it is more than one request takes over.
            Invalid: it has no such part.
            Unavailable: others are being read.
        """
        if self._waiting >= WAITING_MAX:
            raise _busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(WAITING_SECONDS_MAX):
                await self._turn.acquire()
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= 1
        try:
            return await asyncio.to_thread(_read, text, skip)
        finally:
            self._turn.release()


def _busy() -> Unavailable:
    return Unavailable("Other calendars are being imported. Try again in a few seconds.", 3.0)


def _read(text: bytes, skip: int | None) -> Portion:
    reading = read(text)
    entries = reading.calendar.entries
    first = skip or 0
    if first > len(entries):
        raise Invalid.at("skip", f"The text has {len(entries):,} events, so that there is nothing behind {first:,}.")
    taken = _how_many(entries[first:])
    if skip is None and taken < len(entries):
        raise TooMuchAtOnce(
            f"This is more than one request takes over: {_size(entries):,} events, each changed occurrence counted, of"
            f" {EVENTS_MAX:,} at most, and series that do not take too long to find out about. Nothing was imported."
            " Ask for it part by part, with ?skip=0 and then with each answer's next_skip, or split the text."
        )
    portion = Portion(reading, [_incoming(entry) for entry in entries[first : first + taken]], first)
    if taken == len(entries):
        _refuse_nonsense(portion)
    return portion


def _refuse_nonsense(portion: Portion) -> None:
    """
    Raises:
        NothingReadable: of the whole text nothing can be taken over.
    """
    refused = [(one.uid, one.reason) for one in portion.reading.refused]
    refused += [(one.uid, one.reason) for one in portion.entries if isinstance(one, SkippedEntry)]
    if not refused or any(isinstance(one, Incoming) for one in portion.entries):
        return
    one = len(refused) == 1
    told = (
        "The only event of this text cannot be" if one else f"None of the {len(refused):,} events of this text can be"
    )
    faults = [Fault("", f"{uid[:100]}: {reason}" if uid else reason) for uid, reason in refused[:FAULTS_SHOWN_MAX]]
    raise NothingReadable(f"{told} imported. {faults[0].detail}", faults)


def _size(entries: Sequence[Entry]) -> int:
    return sum(1 + len(entry.overrides) for entry in entries)


def _how_many(entries: Sequence[Entry]) -> int:
    """Of the entries, from the first on: one at least, where there is one."""
    reckoning = Budget(RECKONING_STEPS_MAX)
    events = 0
    for place, entry in enumerate(entries):
        events += 1 + len(entry.overrides)
        reckoning.left -= _steps_of(entry)
        if place and (events > EVENTS_MAX or reckoning.left < 0):
            return place
    return len(entries)


def _steps_of(entry: Entry) -> int:
    """What it takes to find out whether the series is one that a calendar bears."""
    main = entry.main
    if main is None or not (main.rules or main.extra or main.excluded or entry.overrides):
        return 0
    budget = Budget(STEPS_MAX)
    with suppress(Invalid):  # It is refused by itself, later on.
        series = series_of(entry)
        assert series is not None
        check_series(series, reminders=len(main.alarms), budget=budget)
    ranges = sum(one.following for one in entry.overrides)
    return STEPS_MAX - budget.left + (2 * COMPARED * (ranges + 1) if ranges else 0)


def _incoming(entry: Entry) -> Incoming | SkippedEntry:
    try:
        return incoming(entry)
    except Invalid as error:
        return SkippedEntry(uid=entry.uid, reason=error.detail)


class Tally:
    """What became of the entries so far. What is wrong with the text as a whole is told with its first part."""

    def __init__(self, portion: Portion) -> None:
        self._count = len(portion.reading.calendar.entries)
        self._next = portion.skipped
        self._reading = Reading(calendar=Calendar()) if portion.skipped else portion.reading
        self._became: Counter[Became] = Counter()
        self._conflicts: list[ConflictingChange] = []
        self._skipped = [SkippedEntry(uid=one.uid, reason=one.reason, line=one.line) for one in self._reading.refused]

    def add(self, results: Sequence[TakenOver | SkippedEntry]) -> None:
        self._next += len(results)
        for one in results:
            if isinstance(one, SkippedEntry):
                self._skipped.append(one)
            else:
                self._became[one.became] += 1
                self._conflicts += one.conflicts

    def shown(self) -> Imported:
        repaired = self._reading.repaired[:SHOWN_MAX]
        return Imported(
            created=self._became["created"],
            updated=self._became["updated"],
            unchanged=self._became["unchanged"],
            skipped_count=len(self._skipped),
            skipped=self._skipped[:SHOWN_MAX],
            repaired=[RepairedEntry(uid=one.uid, detail=one.detail) for one in repaired],
            passed_over=dict(self._reading.passed_over),
            conflict_count=len(self._conflicts),
            conflicts=self._conflicts[:SHOWN_MAX],
            event_count=self._count,
            next_skip=None if self._next == self._count else self._next,
        )
