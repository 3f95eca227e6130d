"""Finds the appointment that a calendar knows under a UID: one of its own, or one that was imported."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID, uuid5

from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.known_uid import decide
from sigdep.calendar.events.appointments import AppointmentScheduled
from sigdep.calendar.events.uids import UidChosen
from sigdep.calendar.writing.attempt import Attempt
from sigdep.calendar.writing.undoing import past_of
from sigdep.contracts.ids import AppointmentId, CalendarId
from sigdep.kernel.errors import Refused
from sigdep.kernel.ids import text_of

_ENTRIES: Final = UUID("5f0a2c1e-7b1d-5a46-9b0e-2d8c4e6f1a37")
"""Namespace (RFC 9562 §5.5) of the ids of appointments that were imported."""


class UidTaken(Refused):
    """The calendar knows another event by the UID that a client chose."""

    def __init__(self) -> None:
        super().__init__("The calendar has an event with this uid already. Edit that one, or choose another uid.")


def imported_id(calendar_id: CalendarId, uid: str) -> AppointmentId:
    """The same whenever it is imported into this calendar: there is nothing to look up, and nothing to be late."""
    return AppointmentId(uuid5(_ENTRIES, f"{text_of(calendar_id)}/{uid}"))


async def find_known(attempt: Attempt, calendar_id: CalendarId, uids: Sequence[str]) -> Mapping[str, Appointment]:
    """What is known under these UIDs, or where it would be."""
    found = await asyncio.gather(*(find_one(attempt, calendar_id, uid) for uid in uids))
    return dict(zip(uids, found, strict=True))


async def expect_none(attempt: Attempt, calendar_id: CalendarId, uids: Sequence[str]) -> Mapping[str, Appointment]:
    """The same without reading anything: should one exist, the attempt fails in the end, and another finds it."""
    appointments, unit = attempt.around.appointments, attempt.unit
    known: dict[str, Appointment] = {}
    for uid in uids:
        identity = imported_id(calendar_id, uid)
        known[uid] = unit.begin(appointments, identity)
        chosen = unit.begin(attempt.around.uids, identity, guard=True).appointment_id
        if chosen is not None and known[uid].version == 0:
            known[uid] = await unit.load(appointments, chosen)
        own = _own_id(uid)
        if own is not None:
            found = unit.begin(appointments, own, guard=True)
            known[uid] = await _own(attempt, found, uid, calendar_id) or known[uid]
    return known


async def find_one(attempt: Attempt, calendar_id: CalendarId, uid: str) -> Appointment:
    appointments, unit = attempt.around.appointments, attempt.unit
    own = _own_id(uid)
    if own is not None:
        found = await _own(attempt, await unit.load(appointments, own), uid, calendar_id)
        if found is not None:
            return found
    identity = imported_id(calendar_id, uid)
    imported = await unit.load(appointments, identity)
    if imported.version > 0:
        return imported
    chosen = (await unit.load(attempt.around.uids, identity, guard=True)).appointment_id
    return imported if chosen is None else await unit.load(appointments, chosen)


async def choose_uid(attempt: Attempt, event: AppointmentScheduled) -> None:
    """Let the calendar know a new appointment by the UID that somebody has chosen for it.

    Raises:
        UidTaken: it knows another one by it.
    """
    if event.uid == text_of(event.appointment_id):
        return
    known = await find_one(attempt, event.calendar_id, event.uid)
    if known.version > 0 and known.calendar_id == event.calendar_id and known.trashed_at is None:
        raise UidTaken
    identity = imported_id(event.calendar_id, event.uid)
    chosen = UidChosen(
        calendar_id=event.calendar_id,
        workspace_id=attempt.workspace,
        uid=event.uid,
        appointment_id=event.appointment_id,
        by=event.by,
        at=event.at,
    )
    attempt.record(
        attempt.around.uids, identity, decide(chosen, await attempt.unit.load(attempt.around.uids, identity))
    )


def _own_id(uid: str) -> AppointmentId | None:
    """Of an appointment whose UID is its id, as it is where nobody says otherwise."""
    try:
        return AppointmentId(UUID(uid))
    except ValueError:
        return None


async def _own(attempt: Attempt, found: Appointment, uid: str, calendar_id: CalendarId) -> Appointment | None:
    """None: it is another, or has never been in this calendar, which may have a copy of it."""
    if found.version == 0 or found.workspace_id != attempt.workspace or found.uid != uid:
        return None
    if found.calendar_id == calendar_id:
        return found
    been = (getattr(event, "calendar_id", None) for _, event in await past_of(attempt, found))
    return found if calendar_id in been else None
