"""Takes over the entries of an iCalendar text, many at once: each by itself, whether the others succeed or not."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import msgspec

from sigdep.calendar.commands import ImportCalendar
from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.calendar import CalendarNotFound, changeable
from sigdep.calendar.domain.merging import Importer
from sigdep.calendar.domain.parting import Part, parted
from sigdep.calendar.domain.three_way import Conflict
from sigdep.calendar.domain.versions import merge_version
from sigdep.calendar.events.uids import EntryImported
from sigdep.calendar.interchange.incoming import Incoming, NotImported, refuse_older
from sigdep.calendar.queries import SkippedEntry
from sigdep.calendar.writing.appointments import check_attendees
from sigdep.calendar.writing.attempt import Attempt
from sigdep.calendar.writing.imported import (
    entry_imported,
    known_version,
    last_imported,
    parts_here,
    version_of,
)
from sigdep.calendar.writing.known import expect_none, find_known, imported_id
from sigdep.calendar.writing.portions import Became, TakenOver, conflicting
from sigdep.kernel.errors import Invalid, NotFound, Refused
from sigdep.kernel.messages import UNSET, Event
from sigdep.kernel.store import APPEND_EVENTS_MAX, EVENT_BYTES_MAX

ENTRIES_AT_ONCE: Final = 100
"""Are stored together, unless they are large."""
BYTES_AT_ONCE: Final = 1_048_576
"""Of their events; what is larger is stored by itself."""

SEAL_BYTES_MAX: Final = 1_024
"""An event is stored sealed, which adds less than this."""

_encode: Final = msgspec.json.Encoder().encode


class Taken(NamedTuple):
    """What is to be stored of one entry, and what is to be told."""

    parts: Sequence[Part] = ()
    record: EntryImported | None = None
    """None: nothing was taken over."""
    conflicts: Sequence[Conflict] = ()

    @property
    def events(self) -> list[Event]:
        events: list[Event] = [event for _, part in self.parts for event in part]
        return events if self.record is None else [*events, self.record]


async def take_over(
    attempt: Attempt,
    command: ImportCalendar,
    entries: Sequence[Incoming | SkippedEntry],
    *,
    new: bool,
    uids: Collection[str],
) -> list[TakenOver | SkippedEntry]:
    """Decide and record, as many of the entries as are stored together: one at least, where there is one.

    Args:
        new: they are likely to be. Then nothing is read to find out: should one exist, all are decided once more.

        uids: of the whole text.

    Raises:
        CalendarNotFound, CalendarReadOnly
    """
    calendar = await attempt.unit.load(attempt.around.calendars, command.calendar_id, guard=True)
    if calendar.version == 0 or calendar.workspace_id != attempt.workspace:
        raise CalendarNotFound
    changeable(calendar)
    entries = entries[:ENTRIES_AT_ONCE]
    find = expect_none if new and not attempt.call.dry_run else find_known
    known = await find(attempt, command.calendar_id, [one.uid for one in entries if isinstance(one, Incoming)])
    results: list[TakenOver | SkippedEntry] = []
    recorded = octets = 0
    for found in entries:
        if isinstance(found, SkippedEntry):
            results.append(found)
            continue
        try:
            became, taken = await _decide(attempt, command, found, known[found.uid], uids)
            size = _size_of(taken.events)
        except (Invalid, Refused, NotFound) as error:
            results.append(SkippedEntry(uid=found.uid, reason=error.detail))
            continue
        recorded, octets = recorded + len(taken.events), octets + size
        if recorded > APPEND_EVENTS_MAX or (octets > BYTES_AT_ONCE and octets > size):
            break  # With the next ones.
        _record(attempt, command, found, taken)
        results.append(TakenOver(became, [conflicting(found.uid, one) for one in taken.conflicts]))
    return results


def _record(attempt: Attempt, command: ImportCalendar, found: Incoming, taken: Taken) -> None:
    around = attempt.around
    for appointment_id, part in taken.parts:
        attempt.unit.begin(around.appointments, appointment_id)
        attempt.record(around.appointments, appointment_id, part)
    if taken.record is not None:
        attempt.record(around.uids, imported_id(command.calendar_id, found.uid), [taken.record])


def _size_of(events: Sequence[Event]) -> int:
    """
    Raises:
        NotImported: the store would not take them, and nothing that is stored together with them.
    """
    if len(events) > APPEND_EVENTS_MAX:
        raise NotImported(f"More than {APPEND_EVENTS_MAX:,} of its occurrences would change at once.")
    sizes = [len(_encode(event)) + SEAL_BYTES_MAX for event in events]
    if any(size > EVENT_BYTES_MAX for size in sizes):
        raise NotImported(f"With all its occurrences it is larger than {EVENT_BYTES_MAX:,} bytes.")
    return sum(sizes)


async def _decide(
    attempt: Attempt, command: ImportCalendar, found: Incoming, appointment: Appointment, uids: Collection[str]
) -> tuple[Became, Taken]:
    if appointment.version == 0:
        await _check_people(attempt, found, appointment)
        return "created", await _made(attempt, command, found)
    _refuse_what_is_elsewhere(command, appointment)
    imported = await last_imported(attempt, command, found.uid)
    if imported is not None and imported.digest == found.digest:
        return "unchanged", Taken()
    await _check_people(attempt, found, appointment)
    there = version_of(attempt, command, found, appointment.id)
    known = None if imported is None else known_version(attempt, command, imported)
    here = await parts_here(attempt, appointment, there if known is None else known[1], imported, uids)
    # In a thread, as the largest series keeps one busy for a while.
    base, by = None if known is None else known[1], Importer(command.by, command.at)
    outcome = await asyncio.to_thread(merge_version, base, there, here, by)
    if not outcome.changed and not outcome.conflicts:
        return "unchanged", Taken()
    refuse_older(found, appointment if known is None else known[0])
    record = entry_imported(attempt, command, found, appointment.id, outcome.imported)
    return "updated" if outcome.changed else "unchanged", Taken(outcome.parts, record, outcome.conflicts)


async def _made(attempt: Attempt, command: ImportCalendar, found: Incoming) -> Taken:
    there = version_of(attempt, command, found, imported_id(command.calendar_id, found.uid))
    if found.later or found.fields["recurrence"] is not None or found.changed:
        parts = await asyncio.to_thread(parted, there.schedule, there.later, there.meant)
    else:
        parts = parted(there.schedule, (), None)
    (first, _), *later = parts
    return Taken(parts, entry_imported(attempt, command, found, first, [part for part, _ in later]))


def _refuse_what_is_elsewhere(command: ImportCalendar, appointment: Appointment) -> None:
    if appointment.trashed_at is not None:
        raise NotImported("It is in the trash here. Restore it first, and import again.")
    if appointment.calendar_id != command.calendar_id:
        raise NotImported("It has been moved to another calendar here.")


async def _check_people(attempt: Attempt, found: Incoming, appointment: Appointment) -> None:
    """
    Raises:
        Invalid: a user who is new to the appointment is no member of the workspace.
    """
    for attendees in (found.fields["attendees"], *(one.attendees for one in found.changed)):
        if attendees is not UNSET:
            await check_attendees(attempt, attendees, appointment.attendees)
