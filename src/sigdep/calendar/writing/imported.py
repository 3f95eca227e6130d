"""What has become of an entry that was imported: what was taken over of it last, and the parts that it has by now."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from sigdep.calendar.commands import ImportCalendar, ScheduleAppointment
from sigdep.calendar.domain.appointment import ABSENT, Appointment, evolve
from sigdep.calendar.domain.parting import name_moved
from sigdep.calendar.domain.segments import Version
from sigdep.calendar.domain.versions import Present
from sigdep.calendar.events.appointments import SeriesEnded, SeriesResumed
from sigdep.calendar.events.uids import EntryImported
from sigdep.calendar.interchange.incoming import Incoming, NotImported, incoming
from sigdep.calendar.writing.attempt import Attempt
from sigdep.calendar.writing.known import imported_id
from sigdep.calendar.writing.undoing import past_of
from sigdep.contracts.ids import AppointmentId
from sigdep.ical.reading import read_entry

PARTS_MAX: Final = 200
"""Of one series. More are not gone through by one import."""


def version_of(attempt: Attempt, command: ImportCalendar, found: Incoming, appointment_id: AppointmentId) -> Version:
    """What the text says, as commands would make it."""
    schedule = ScheduleAppointment(
        by=command.by,
        at=command.at,
        appointment_id=appointment_id,
        workspace_id=attempt.workspace,
        calendar_id=command.calendar_id,
        uid=found.uid,
        changed_occurrences=found.changed,
        **found.fields,
    )
    return Version(schedule=schedule, later=found.later, meant=found.series)


async def last_imported(attempt: Attempt, command: ImportCalendar, uid: str) -> EntryImported | None:
    """None: it never was."""
    return (await attempt.unit.load(attempt.around.uids, imported_id(command.calendar_id, uid), guard=True)).imported


def known_version(attempt: Attempt, command: ImportCalendar, imported: EntryImported) -> tuple[Incoming, Version]:
    found = incoming(read_entry(imported.text))
    return found, version_of(attempt, command, found, imported.appointment_id)


def entry_imported(
    attempt: Attempt,
    command: ImportCalendar,
    found: Incoming,
    appointment_id: AppointmentId,
    parts: Sequence[AppointmentId],
) -> EntryImported:
    return EntryImported(
        calendar_id=command.calendar_id,
        workspace_id=attempt.workspace,
        uid=found.uid,
        appointment_id=appointment_id,
        text=found.text,
        digest=found.digest,
        by=command.by,
        at=command.at,
        parts=tuple(parts),
    )


async def parts_here(
    attempt: Attempt, first: Appointment, base: Version, imported: EntryImported | None, apart: Collection[str]
) -> list[Present]:
    """The series and its later parts, however they came to be.

    Args:
        apart: UIDs that the text speaks of. A part that is among them is no part of another entry: it was exported
            from here.

    Raises:
        NotImported: they are too many.
    """
    known = {} if imported is None else dict(zip(imported.parts, (one.original for one in base.cuts), strict=True))
    found = [Present(first, base.start)]
    waiting = [found[0]]
    while waiting:
        part = waiting.pop()
        for one in await _cut_from(attempt, part, known):
            if one.appointment.uid not in apart:
                near = one.reachable and one.appointment.calendar_id == first.calendar_id
                found.append(replace(one, reachable=near))
                waiting.append(found[-1])
        if len(found) > PARTS_MAX:
            raise NotImported(f"It is in more than {PARTS_MAX} parts here.")
    return [found[0], *sorted(found[1:], key=lambda one: one.label)]


async def _cut_from(attempt: Attempt, part: Present, known: Mapping[AppointmentId, str]) -> list[Present]:
    """What has been cut from a part, and was not put together again with it."""
    if part.appointment.recurrence is None or part.appointment.version == 1:
        return []
    state, cuts = ABSENT, dict[int, tuple[AppointmentId, str]]()
    for version, event in await past_of(attempt, part.appointment):
        if isinstance(event, SeriesEnded) and event.continued_by is not None:
            label = name_moved(event.occurrence, state.start, part.label)
            cuts[version] = event.continued_by, known.get(event.continued_by, label)
        if isinstance(event, SeriesResumed):
            cuts.pop(event.undoes, None)
        state = evolve(state, event)
    found: list[Present] = []
    for identity, label in cuts.values():
        one = await attempt.unit.load(attempt.around.appointments, identity, guard=True)
        if one.joined_to is None:
            found.append(Present(one, label, one.trashed_at is None))
    return found
