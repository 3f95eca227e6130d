"""The rows of appointments: the appointment as JSON, and a column for whatever a list can filter or sort by."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from sigdep.calendar.domain.appointment import SCHEMA, Appointment
from sigdep.calendar.events.appointments import Attendee
from sigdep.calendar.read_models.reach import reach_of
from sigdep.kernel.messages import UNSET
from sigdep.kernel.read_store import Column, Index, Row, Table

APPOINTMENTS: Final = Table(
    name="appointments",
    columns=(
        Column("id", "uuid"),
        Column("workspace_id", "uuid"),
        Column("calendar_id", "uuid"),
        Column("version", "integer"),
        Column("document", "bytes"),
        Column("uid", "text"),
        Column("trashed", "boolean"),
        Column("plain", "boolean"),
        Column("starts", "instant"),
        Column("ends", "instant"),
        Column("created_at", "instant"),
        Column("title", "text"),
        Column("description", "text"),
        Column("location", "text"),
    ),
    key=("id",),
    # Of series what is over is passed by, which counts for more than when they start: of two that fit, the first is
    # taken. What is on once is walked in the order in which it starts.
    indexes=(
        Index(("workspace_id", "trashed", "plain", "ends")),
        Index(("workspace_id", "trashed", "plain", "starts")),
        Index(("calendar_id", "trashed", "plain", "ends")),
        Index(("calendar_id", "trashed", "plain", "starts")),
        Index(("calendar_id", "trashed", "created_at")),
        Index(("calendar_id", "uid")),
    ),
    search=("title", "description", "location"),
    documents=SCHEMA,
)

PARTICIPATIONS: Final = Table(
    name="participations",
    columns=(
        Column("participation", "bytes"),
        Column("user_id", "uuid"),
        Column("id", "uuid"),
        Column("workspace_id", "uuid"),
        Column("calendar_id", "uuid"),
        Column("trashed", "boolean"),
        Column("starts", "instant"),
        Column("ends", "instant"),
    ),
    key=("participation",),
    indexes=(Index(("workspace_id",)), Index(("user_id", "trashed", "ends"))),
)
"""One row for each appointment and user whose time it may take, whoever's calendar it is in. `id` is the appointment's;
`participation` is both ids in one."""


def appointment_row(appointment: Appointment, *, version: int, document: bytes) -> Row:
    """The row of an appointment in `APPOINTMENTS`."""
    starts, ends, plain = reach_of(appointment)
    return {
        "id": appointment.id,
        "workspace_id": appointment.workspace_id,
        "calendar_id": appointment.calendar_id,
        "version": version,
        "document": document,
        "uid": appointment.uid,
        "trashed": appointment.trashed_at is not None,
        "plain": plain,
        "starts": starts,
        "ends": ends,
        "created_at": appointment.created_at,
        "title": appointment.title,
        "description": appointment.description,
        "location": appointment.location,
    }


def participants_of(appointment: Appointment) -> frozenset[UUID]:
    """Who made it, and every user who is invited to it or to one of its occurrences."""
    people = {appointment.created_by, *_users(appointment.attendees)}
    for changed in appointment.changed_occurrences:
        if changed.attendees is not UNSET:
            people.update(_users(changed.attendees))
    return frozenset(people)


def _users(attendees: Iterable[Attendee]) -> Iterable[UUID]:
    return (one.user_id for one in attendees if one.user_id is not None)


def participation_key(user: UUID, appointment: UUID) -> bytes:
    return user.bytes + appointment.bytes


def participation_row(user: UUID, row: Row) -> Row:
    """The row of one user in `PARTICIPATIONS`, made of the appointment's own."""
    identity = row["id"]
    assert isinstance(identity, UUID)
    shared = {name: row[name] for name in ("id", "workspace_id", "calendar_id", "trashed", "starts", "ends")}
    return shared | {"participation": participation_key(user, identity), "user_id": user}
