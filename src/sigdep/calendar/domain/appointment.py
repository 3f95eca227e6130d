"""What an appointment is, and how each event changes it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from sigdep.calendar.domain.fields import attendee_key
from sigdep.calendar.events.appointments import (
    AppointmentEdited,
    AppointmentEvent,
    AppointmentJoined,
    AppointmentRestored,
    AppointmentScheduled,
    AppointmentStatus,
    AppointmentTrashed,
    Attendee,
    ChangedOccurrence,
    InvitationAnswered,
    OccurrenceCancelled,
    OccurrenceEdited,
    OccurrenceRestored,
    Recurrence,
    Reminder,
    SeriesEnded,
    SeriesResumed,
)
from sigdep.contracts.ids import AppointmentId, CalendarId, UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, State

CATEGORY: Final = "appointment"

SCHEMA: Final = "appointment-1"
"""Names the shape of `Appointment`: raise it with every change, or old snapshots are taken for new ones."""


class Appointment(State):
    """An entry in a calendar: what deciding remembers, what a write answers and what read models keep, in one shape."""

    id: AppointmentId
    workspace_id: WorkspaceId
    calendar_id: CalendarId
    uid: str
    """By which other calendars know it (RFC 7986 §5.3)."""
    title: str
    description: str | None
    location: str | None
    all_day: bool
    start: str
    """On the wall of its zone, as in `2026-12-01T09:00:00`; a date where it is all-day. Of a series, its first."""
    end: str
    """Likewise; the first day after where it is all-day."""
    time_zone: str | None
    """IANA name. null: it is all-day, or at this time wherever one is."""
    recurrence: Recurrence | None
    attendees: tuple[Attendee, ...]
    reminders: tuple[Reminder, ...]
    busy: bool
    """Whether its people have no time for anything else."""
    status: AppointmentStatus
    url: str | None
    color: str | None
    """`#rrggbb`."""
    sequence: int
    """Grows with each change of when it is (RFC 5545 §3.8.7.4)."""
    extra_properties: tuple[str, ...]
    """Lines of iCalendar that say what no field does."""
    changed_occurrences: tuple[ChangedOccurrence, ...]
    """What is different about single occurrences, by their original starts."""
    continues: AppointmentId | None
    """The earlier part of the series that this one was cut from."""
    continued_by: AppointmentId | None
    """The later part of the series."""
    joined_to: AppointmentId | None
    """It has been put together again with that series, and is in the trash for good."""
    created_at: datetime
    created_by: UserId
    updated_at: datetime
    trashed_at: datetime | None
    trashed_by: UserId | None
    version: int
    """Grows with every event. 0: it does not exist."""


_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")

ABSENT: Final = Appointment(
    id=AppointmentId(_NOBODY),
    workspace_id=WorkspaceId(_NOBODY),
    calendar_id=CalendarId(_NOBODY),
    uid="",
    title="",
    description=None,
    location=None,
    all_day=False,
    start="1970-01-01T00:00:00",
    end="1970-01-01T00:00:00",
    time_zone=None,
    recurrence=None,
    attendees=(),
    reminders=(),
    busy=False,
    status="cancelled",
    url=None,
    color=None,
    sequence=0,
    extra_properties=(),
    changed_occurrences=(),
    continues=None,
    continued_by=None,
    joined_to=None,
    created_at=_NEVER,
    created_by=UserId(_NOBODY),
    updated_at=_NEVER,
    trashed_at=None,
    trashed_by=None,
    version=0,
)
"""An appointment that does not exist."""

TIME_FIELDS: Final = ("start", "end", "time_zone")

WHEN_FIELDS: Final = (*TIME_FIELDS, "recurrence")
"""They say together when it happens, and make sense only together."""

PLAIN_FIELDS: Final = (
    "title", "description", "location", "attendees", "reminders", "busy", "status", "url", "color", "extra_properties",
)  # fmt: skip
"""What one occurrence may have different, beside its time."""

OCCURRENCE_FIELDS: Final = (*PLAIN_FIELDS, *TIME_FIELDS)

EDITED_FIELDS: Final = (*OCCURRENCE_FIELDS, "calendar_id", "recurrence", "sequence")


def evolve(appointment: Appointment, event: AppointmentEvent) -> Appointment:
    """The appointment after the event. Never raises: what is in the log has happened."""
    if isinstance(event, AppointmentScheduled):
        return _scheduled(event)
    return replace(_evolved(appointment, event), updated_at=event.at, version=appointment.version + 1)


def _evolved(appointment: Appointment, event: AppointmentEvent) -> Appointment:
    match event:
        case AppointmentScheduled():
            return _scheduled(event)
        case AppointmentEdited():
            return _edited(appointment, event)
        case OccurrenceEdited() | OccurrenceCancelled() | OccurrenceRestored():
            return _with(appointment, occurrence_after(find_changed(appointment, event.occurrence), event))
        case SeriesEnded():
            kept = [one for one in appointment.changed_occurrences if one.occurrence not in event.left]
            return replace(
                appointment,
                recurrence=event.recurrence,
                changed_occurrences=tuple(kept),
                continued_by=event.continued_by,
            )
        case SeriesResumed():
            return _resumed(appointment, event)
        case AppointmentJoined():
            return replace(appointment, joined_to=event.joined_to, trashed_at=event.at, trashed_by=event.by)
        case InvitationAnswered():
            return _answered(appointment, event)
        case AppointmentTrashed():
            return replace(appointment, trashed_at=event.at, trashed_by=event.by)
        case AppointmentRestored():
            return replace(appointment, trashed_at=None, trashed_by=None)


def is_date(when: str) -> bool:
    return "T" not in when


def find_changed(appointment: Appointment, occurrence: str) -> ChangedOccurrence:
    """What is different about an occurrence: nothing, where nobody has changed it."""
    for one in appointment.changed_occurrences:
        if one.occurrence == occurrence:
            return one
    return ChangedOccurrence(occurrence=occurrence)


def attendees_of(appointment: Appointment, changed: ChangedOccurrence) -> tuple[Attendee, ...]:
    """Who is invited to one occurrence, with their answers to it."""
    people = appointment.attendees if changed.attendees is UNSET else changed.attendees
    if not changed.answers:
        return people
    return tuple(replace(one, answer=changed.answers.get(attendee_key(one), one.answer)) for one in people)


def _scheduled(event: AppointmentScheduled) -> Appointment:
    fields: dict[str, Any] = {name: getattr(event, name) for name in EDITED_FIELDS}
    return replace(
        ABSENT,
        id=event.appointment_id,
        workspace_id=event.workspace_id,
        uid=event.uid,
        all_day=is_date(event.start),
        changed_occurrences=_sorted(event.changed_occurrences),
        continues=event.continues,
        created_at=event.at,
        created_by=event.by,
        updated_at=event.at,
        version=1,
        **fields,
    )


def _edited(appointment: Appointment, event: AppointmentEdited) -> Appointment:
    changes: dict[str, Any] = {name: value for name in EDITED_FIELDS if (value := getattr(event, name)) is not UNSET}
    if "start" in changes:
        changes["all_day"] = is_date(changes["start"])
    if event.renamed:
        changes["changed_occurrences"] = renamed(appointment.changed_occurrences, event.renamed)
    return replace(appointment, **changes)


def renamed(changed: Iterable[ChangedOccurrence], names: Mapping[str, str]) -> tuple[ChangedOccurrence, ...]:
    """The same under new identities."""
    return _sorted(replace(one, occurrence=names.get(one.occurrence, one.occurrence)) for one in changed)


def occurrence_after(
    changed: ChangedOccurrence, event: OccurrenceEdited | OccurrenceCancelled | OccurrenceRestored
) -> ChangedOccurrence:
    match event:
        case OccurrenceEdited():
            edits: dict[str, Any] = {
                name: value for name in OCCURRENCE_FIELDS if (value := getattr(event, name)) is not UNSET
            }
            return replace(changed, **dict.fromkeys(event.cleared, UNSET), **edits)
        case OccurrenceCancelled():
            return replace(changed, cancelled=True)
        case OccurrenceRestored():
            return replace(changed, cancelled=False)


def _with(appointment: Appointment, changed: ChangedOccurrence) -> Appointment:
    others = [one for one in appointment.changed_occurrences if one.occurrence != changed.occurrence]
    differs = changed != ChangedOccurrence(occurrence=changed.occurrence)
    return replace(appointment, changed_occurrences=_sorted([*others, changed] if differs else others))


def after_occurrences(
    appointment: Appointment, events: Sequence[OccurrenceEdited | OccurrenceCancelled | OccurrenceRestored]
) -> Appointment:
    """As `evolve` one after the other, of which each would put all changed occurrences in order."""
    if not events:
        return appointment
    changed = {one.occurrence: one for one in appointment.changed_occurrences}
    for event in events:
        absent = ChangedOccurrence(occurrence=event.occurrence)
        changed[event.occurrence] = occurrence_after(changed.get(event.occurrence, absent), event)
        if changed[event.occurrence] == absent:
            del changed[event.occurrence]
    return replace(
        appointment,
        changed_occurrences=_sorted(changed.values()),
        updated_at=events[-1].at,
        version=appointment.version + len(events),
    )


def _resumed(appointment: Appointment, event: SeriesResumed) -> Appointment:
    back = {one.occurrence for one in event.returned}
    kept = [one for one in appointment.changed_occurrences if one.occurrence not in back]
    return replace(
        appointment,
        recurrence=event.recurrence,
        continued_by=None,
        attendees=appointment.attendees if event.attendees is UNSET else event.attendees,
        changed_occurrences=_sorted([*kept, *event.returned]),
    )


def _answered(appointment: Appointment, event: InvitationAnswered) -> Appointment:
    if event.occurrence is None:
        people = tuple(
            replace(one, answer=event.answer) if attendee_key(one) == event.attendee else one
            for one in appointment.attendees
        )
        return replace(appointment, attendees=people)
    changed = find_changed(appointment, event.occurrence)
    return _with(appointment, replace(changed, answers=changed.answers | {event.attendee: event.answer}))


def _sorted(changed: Iterable[ChangedOccurrence]) -> tuple[ChangedOccurrence, ...]:
    return tuple(sorted(changed, key=lambda one: one.occurrence))
