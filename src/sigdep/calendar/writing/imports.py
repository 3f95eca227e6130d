"""Takes over the entries of an iCalendar text: each by itself, whether the others succeed or not."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sigdep.calendar.commands import EditAppointment, ImportCalendar, ScheduleAppointment
from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.appointment_decisions import decide
from sigdep.calendar.domain.calendar import CalendarNotFound, changeable
from sigdep.calendar.domain.importing import imported_again, without_marks
from sigdep.calendar.events import AppointmentEvent
from sigdep.calendar.interchange.incoming import Incoming, NotImported, incoming
from sigdep.calendar.interchange.remainder import IMPORTED
from sigdep.calendar.queries import Imported, RepairedEntry, SkippedEntry
from sigdep.calendar.writing.appointments import check_attendees
from sigdep.calendar.writing.attempt import Attempt
from sigdep.contracts.ids import AppointmentId, CalendarId
from sigdep.ical.model import Entry, Reading
from sigdep.ical.reading import read
from sigdep.kernel.errors import Invalid, NotFound, Refused, Unavailable
from sigdep.kernel.ids import text_of
from sigdep.kernel.messages import UNSET
from sigdep.kernel.store import APPEND_EVENTS_MAX, EVENT_BYTES_MAX

ENTRIES_AT_ONCE: Final = 20
"""Are stored together."""
READ_AT_ONCE_MAX: Final = 2
"""A megabyte is read in less than a second, by one processor."""
SHOWN_MAX: Final = 500
"""Of what was skipped, and of what was repaired."""

SEAL_BYTES_MAX: Final = 1_024
"""An event is stored sealed, which adds less than this."""

_encode: Final = msgspec.json.Encoder().encode
_ENTRIES: Final = UUID("5f0a2c1e-7b1d-5a46-9b0e-2d8c4e6f1a37")
"""Namespace (RFC 9562 §5.5) of the ids of appointments that were imported."""

Became = Literal["created", "updated", "unchanged"]


class ReadText(Struct, frozen=True):
    """A text, and each of its entries as what an appointment is made with, or why it is none."""

    reading: Reading
    entries: list[Incoming | SkippedEntry]


class Readers:
    """Reads texts beside the event loop, and never many at once."""

    def __init__(self) -> None:
        self._reading = 0

    async def read(self, text: bytes) -> ReadText:
        """
        Raises:
            UnreadableCalendar: the text as a whole is no calendar.
            Unavailable: others are being read.
        """
        if self._reading >= READ_AT_ONCE_MAX:
            raise Unavailable("Other calendars are being imported. Try again in a few seconds.", 3.0)
        self._reading += 1
        try:
            return await asyncio.to_thread(_read, text)
        finally:
            self._reading -= 1


def _read(text: bytes) -> ReadText:
    reading = read(text)
    return ReadText(reading, [_incoming(entry) for entry in reading.calendar.entries])


def _incoming(entry: Entry) -> Incoming | SkippedEntry:
    try:
        return incoming(entry)
    except Invalid as error:
        return SkippedEntry(uid=entry.uid, reason=error.detail)


class Tally:
    """What became of the entries so far."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._became: Counter[Became] = Counter()
        self._skipped = [SkippedEntry(uid=one.uid, reason=one.reason, line=one.line) for one in reading.refused]

    def add(self, results: Sequence[Became | SkippedEntry]) -> None:
        for one in results:
            if isinstance(one, SkippedEntry):
                self._skipped.append(one)
            else:
                self._became[one] += 1

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
        )


async def take_over(
    attempt: Attempt, command: ImportCalendar, entries: Sequence[Incoming | SkippedEntry]
) -> list[Became | SkippedEntry]:
    """Decide and record, as many of the entries as are stored together: one at least, where there is one.

    Raises:
        CalendarNotFound, CalendarReadOnly
    """
    calendar = await attempt.unit.load(attempt.around.calendars, command.calendar_id, guard=True)
    if calendar.version == 0 or calendar.workspace_id != attempt.workspace:
        raise CalendarNotFound
    changeable(calendar)
    results: list[Became | SkippedEntry] = []
    recorded = 0
    for found in entries[:ENTRIES_AT_ONCE]:
        if isinstance(found, SkippedEntry):
            results.append(found)
            continue
        try:
            became, appointment, events = await _decide(attempt, command, found)
            _refuse_what_is_too_large(events)
        except (Invalid, Refused, NotFound) as error:
            results.append(SkippedEntry(uid=found.uid, reason=error.detail))
            continue
        recorded += len(events)
        if recorded > APPEND_EVENTS_MAX:
            break  # With the next ones.
        attempt.record(attempt.around.appointments, appointment, events)
        results.append(became)
    return results


def _refuse_what_is_too_large(events: Sequence[AppointmentEvent]) -> None:
    """
    Raises:
        NotImported: the store would not take them, and nothing that is stored together with them.
    """
    if len(events) > APPEND_EVENTS_MAX:
        raise NotImported(f"More than {APPEND_EVENTS_MAX:,} of its occurrences would change at once.")
    if any(len(_encode(event)) > EVENT_BYTES_MAX - SEAL_BYTES_MAX for event in events):
        raise NotImported(f"With all its occurrences it is larger than {EVENT_BYTES_MAX:,} bytes.")


async def _decide(
    attempt: Attempt, command: ImportCalendar, found: Incoming
) -> tuple[Became, AppointmentId, Sequence[AppointmentEvent]]:
    appointment = await _present(attempt, command.calendar_id, found.uid)
    await _check_people(attempt, found, appointment)
    if appointment.version == 0:
        schedule = ScheduleAppointment(
            by=command.by,
            at=command.at,
            appointment_id=_identity(command.calendar_id, found.uid),
            workspace_id=attempt.workspace,
            calendar_id=command.calendar_id,
            uid=found.uid,
            changed_occurrences=found.changed,
            **found.fields,
        )
        assert schedule.appointment_id is not None
        # In a thread, as the largest series keeps one busy for a while.
        return "created", schedule.appointment_id, await asyncio.to_thread(decide, schedule, appointment)
    _refuse_what_is_elsewhere(command, appointment)
    if found.mark in appointment.extra_properties:
        return "unchanged", appointment.id, ()
    if found.fields["sequence"] < appointment.sequence:
        raise NotImported(
            f"The text has an older version of it: SEQUENCE {found.fields['sequence']}, where ours is"
            f" {appointment.sequence}."
        )
    edit = EditAppointment(appointment_id=appointment.id, by=command.by, at=command.at, scope="all", **found.fields)
    events = await asyncio.to_thread(_changes, edit, found, appointment)
    return "updated" if events else "unchanged", appointment.id, events


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


def _identity(calendar_id: CalendarId, uid: str) -> AppointmentId:
    """The same whenever it is imported into this calendar: there is nothing to look up, and nothing to be late."""
    return AppointmentId(uuid5(_ENTRIES, f"{text_of(calendar_id)}/{uid}"))


async def _present(attempt: Attempt, calendar_id: CalendarId, uid: str) -> Appointment:
    """What is known under this UID: an appointment of our own, of which it is the id, or what was imported."""
    appointments = attempt.around.appointments
    try:
        own = await attempt.unit.load(appointments, AppointmentId(UUID(uid)))
    except ValueError:
        pass
    else:
        if own.version > 0 and own.workspace_id == attempt.workspace and own.uid == uid:
            return own
    return await attempt.unit.load(appointments, _identity(calendar_id, uid))


async def _check_people(attempt: Attempt, found: Incoming, appointment: Appointment) -> None:
    """
    Raises:
        Invalid: a user who is new to the appointment is no member of the workspace.
    """
    for attendees in (found.fields["attendees"], *(one.attendees for one in found.changed)):
        if attendees is not UNSET:
            await check_attendees(attempt, attendees, appointment.attendees)
