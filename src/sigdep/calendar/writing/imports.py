"""Takes over the entries of an iCalendar text, many at once: each by itself, whether the others succeed or not."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from sigdep.calendar.commands import EditAppointment, ImportCalendar, ScheduleAppointment
from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.appointment_decisions import decide
from sigdep.calendar.domain.calendar import CalendarNotFound, changeable
from sigdep.calendar.domain.importing import imported_again, without_marks
from sigdep.calendar.domain.parting import parted
from sigdep.calendar.events.appointments import AppointmentEvent
from sigdep.calendar.interchange.incoming import Incoming, NotImported
from sigdep.calendar.interchange.remainder import IMPORTED
from sigdep.calendar.queries import SkippedEntry
from sigdep.calendar.writing.appointments import check_attendees
from sigdep.calendar.writing.attempt import Attempt
from sigdep.calendar.writing.known import expect_none, find_known, imported_id
from sigdep.calendar.writing.portions import Became
from sigdep.contracts.ids import AppointmentId
from sigdep.kernel.errors import Invalid, NotFound, Refused
from sigdep.kernel.messages import UNSET
from sigdep.kernel.store import APPEND_EVENTS_MAX, EVENT_BYTES_MAX

ENTRIES_AT_ONCE: Final = 100
"""Are stored together, unless they are large."""
BYTES_AT_ONCE: Final = 1_048_576
"""Of their events; what is larger is stored by itself."""

SEAL_BYTES_MAX: Final = 1_024
"""An event is stored sealed, which adds less than this."""

_encode: Final = msgspec.json.Encoder().encode


async def take_over(
    attempt: Attempt, command: ImportCalendar, entries: Sequence[Incoming | SkippedEntry], *, new: bool
) -> list[Became | SkippedEntry]:
    """Decide and record, as many of the entries as are stored together: one at least, where there is one.

    Args:
        new: they are likely to be. Then nothing is read to find out: should one exist, all are decided once more.

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
    results: list[Became | SkippedEntry] = []
    recorded = octets = 0
    for found in entries:
        if isinstance(found, SkippedEntry):
            results.append(found)
            continue
        try:
            became, parts = await _decide(attempt, command, found, known[found.uid])
            events = [event for _, part in parts for event in part]
            size = _size_of(events)
        except (Invalid, Refused, NotFound) as error:
            results.append(SkippedEntry(uid=found.uid, reason=error.detail))
            continue
        recorded, octets = recorded + len(events), octets + size
        if recorded > APPEND_EVENTS_MAX or (octets > BYTES_AT_ONCE and octets > size):
            break  # With the next ones.
        for appointment_id, part in parts:
            attempt.unit.begin(attempt.around.appointments, appointment_id)
            attempt.record(attempt.around.appointments, appointment_id, part)
        results.append(became)
    return results


def _size_of(events: Sequence[AppointmentEvent]) -> int:
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
    attempt: Attempt, command: ImportCalendar, found: Incoming, appointment: Appointment
) -> tuple[Became, Sequence[tuple[AppointmentId, Sequence[AppointmentEvent]]]]:
    await _check_people(attempt, found, appointment)
    if appointment.version == 0:
        schedule = ScheduleAppointment(
            by=command.by,
            at=command.at,
            appointment_id=imported_id(command.calendar_id, found.uid),
            workspace_id=attempt.workspace,
            calendar_id=command.calendar_id,
            uid=found.uid,
            changed_occurrences=found.changed,
            **found.fields,
        )
        assert schedule.appointment_id is not None
        if found.fields["recurrence"] is None and not found.changed:
            return "created", [(schedule.appointment_id, decide(schedule, appointment))]
        # In a thread, as the largest series keeps one busy for a while.
        if found.series is not None:
            return "created", await asyncio.to_thread(parted, schedule, found.later, found.series)
        return "created", [(schedule.appointment_id, await asyncio.to_thread(decide, schedule, appointment))]
    _refuse_what_is_elsewhere(command, appointment)
    if found.mark in appointment.extra_properties:
        return "unchanged", ()
    if found.later:
        raise NotImported("It goes on otherwise (RANGE=THISANDFUTURE) and was changed there: change both parts here.")
    if found.fields["sequence"] < appointment.sequence:
        raise NotImported(
            f"The text has an older version of it: SEQUENCE {found.fields['sequence']}, where ours is"
            f" {appointment.sequence}."
        )
    edit = EditAppointment(appointment_id=appointment.id, by=command.by, at=command.at, scope="all", **found.fields)
    events = await asyncio.to_thread(_changes, edit, found, appointment)
    return "updated" if events else "unchanged", [(appointment.id, events)]


def _changes(edit: EditAppointment, found: Incoming, appointment: Appointment) -> Sequence[AppointmentEvent]:
    """What says the same is not edited for the sake of the mark: it may have come from here."""
    marks = tuple(line for line in appointment.extra_properties if line.startswith(IMPORTED))
    unmarked = without_marks(found.fields["extra_properties"], IMPORTED)
    if not imported_again(replace(edit, extra_properties=(*unmarked, *marks)), found.changed, appointment, IMPORTED):
        return ()
    return imported_again(edit, found.changed, appointment, IMPORTED)


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
