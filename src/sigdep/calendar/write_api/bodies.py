"""The bodies of the routes that change something. What may be left out defaults to UNSET or null."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from sigdep.calendar.commands import Scope
from sigdep.calendar.domain import fields
from sigdep.calendar.events.appointments import Answer, AppointmentStatus, Attendee, AttendeeRole, Recurrence, Reminder
from sigdep.calendar.write_api import shapes
from sigdep.contracts.ids import AppointmentId, CalendarId, UserId, WorkspaceId
from sigdep.http.files import FileBody
from sigdep.http.routes import Body, Parameters
from sigdep.ical.lines import OCTETS_MAX
from sigdep.kernel.messages import UNSET, UnsetType
from sigdep.recurrence.series import EXCLUDED_MAX, EXTRA_MAX, RULES_MAX


class Where(Parameters, frozen=True, kw_only=True):
    workspace_id: WorkspaceId | None = None
    """The workspace to create it in. The body may say so too. Neither: that of the calendar, or the personal one."""


class Which(Parameters, frozen=True, kw_only=True):
    scope: Scope | None = None
    """Of a series: `this` occurrence, it and all that follow (`following`), or `all`. Left out: `this` where an
    occurrence is named, else `all`."""
    occurrence: str | None = None
    """The original start of the occurrence, as lists show it: `2026-12-01T09:00:00`, or `2026-12-01`."""


class WhichPart(Parameters, frozen=True, kw_only=True):
    skip: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    """Of a text with more events than one request takes over: begin behind so many of them, and go on as far as one
    request does; `next_skip` of the answer says where the next one begins. Left out: the whole text, or nothing."""


class WhichOne(Parameters, frozen=True, kw_only=True):
    occurrence: str | None = None
    """The original start of one occurrence that was cancelled. Left out: the event comes back from the trash."""


# ── parts of an event ───────────────────────────────────────────────────────────────────────────────────


class RecurrenceBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it happens again: the start, the rules and the extra dates, without the excluded ones."""

    rules: Annotated[
        tuple[str, ...], Meta(extra_json_schema={"maxItems": RULES_MAX, "examples": [["FREQ=WEEKLY;BYDAY=FR"]]})
    ] = ()
    """RRULEs of RFC 5545. UNTIL is in UTC where the event has a time zone, and a date where it is all-day."""
    extra_dates: Annotated[tuple[str, ...], Meta(extra_json_schema={"maxItems": EXTRA_MAX})] = ()
    """Starts on the wall, or dates. `2026-12-01T09:00:00/PT2H` lasts as long as it says."""
    excluded_dates: Annotated[tuple[str, ...], Meta(extra_json_schema={"maxItems": EXCLUDED_MAX})] = ()


class AttendeeBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user of the workspace, or whoever has an e-mail address."""

    user_id: UserId | None = None
    email: shapes.Email | None = None
    name: shapes.Name | None = None
    role: AttendeeRole = "required"
    answer: Answer = "needs_action"
    """Left out: the answer that is known stays. That of another user can only be repeated: they answer themselves."""


class ReminderBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the two."""

    before: shapes.Before | None = None
    at: shapes.Instant | None = None


Attendees = Annotated[tuple[AttendeeBody, ...], Meta(extra_json_schema={"maxItems": fields.ATTENDEES_MAX})]
Reminders = Annotated[tuple[ReminderBody, ...], Meta(extra_json_schema={"maxItems": fields.REMINDERS_MAX})]


# ── events ──────────────────────────────────────────────────────────────────────────────────────────────


class NewEvent(Body, frozen=True, kw_only=True):
    title: shapes.Title
    start: shapes.Wall
    end: shapes.Wall | None = None
    """Of an all-day event the first day after it. Left out: an hour later, or a day."""
    all_day: bool | None = None
    """Left out: as the start says."""
    time_zone: shapes.Zone | UnsetType | None = UNSET
    """Left out: that of the calendar. null: at this time wherever one is."""
    id: AppointmentId | None = None
    """A UUIDv7 of your own, so that the request can be repeated. Left out: the server makes one."""
    calendar_id: CalendarId | None = None
    """Left out: the default calendar of the workspace."""
    workspace_id: WorkspaceId | None = None
    uid: shapes.Uid | None = None
    """By which other calendars know it. Left out: the id."""
    description: shapes.Description | None = None
    location: shapes.Location | None = None
    recurrence: RecurrenceBody | None = None
    attendees: Attendees | None = None
    reminders: Reminders | None = None
    busy: bool | None = None
    """Left out: true."""
    status: AppointmentStatus | None = None
    """Left out: `confirmed`."""
    url: shapes.Url | None = None
    color: shapes.Color | None = None


class EventEdits(Body, frozen=True, kw_only=True):
    """Changes what it names and nothing else. null clears."""

    title: shapes.Title | UnsetType = UNSET
    description: shapes.Description | UnsetType | None = UNSET
    location: shapes.Location | UnsetType | None = UNSET
    start: shapes.Wall | UnsetType = UNSET
    """The end stays where it is, unless it is named as well."""
    end: shapes.Wall | UnsetType = UNSET
    all_day: bool | UnsetType = UNSET
    time_zone: shapes.Zone | UnsetType | None = UNSET
    calendar_id: CalendarId | UnsetType = UNSET
    recurrence: RecurrenceBody | UnsetType | None = UNSET
    """As a whole. Occurrences that were changed or answered stay, also where the new rules have none."""
    attendees: Attendees | UnsetType | None = UNSET
    """All of them. Who was invited before keeps their answer."""
    reminders: Reminders | UnsetType | None = UNSET
    busy: bool | UnsetType = UNSET
    status: AppointmentStatus | UnsetType = UNSET
    url: shapes.Url | UnsetType | None = UNSET
    color: shapes.Color | UnsetType | None = UNSET


class InvitationAnswer(Body, frozen=True, kw_only=True):
    answer: Literal["needs_action", "accepted", "declined", "tentative"]
    occurrence: str | None = None
    """The original start of one occurrence. Left out: all that have no answer of their own."""
    email: shapes.Email | None = None
    """Whose answer it is, where that is no user. Left out: your own."""


class Undo(Body, frozen=True, kw_only=True):
    version: Annotated[int, Meta(ge=1)] | None = None
    """The version that the edit led to, as the history shows it. Left out: the last edit that is not undone."""


# ── texts and feeds ─────────────────────────────────────────────────────────────────────────────────────


class CalendarFile(FileBody, frozen=True, kw_only=True):
    """iCalendar text."""

    media_type = "text/calendar"
    bytes_max = OCTETS_MAX


class OpenedFeedAddress(Struct, frozen=True, kw_only=True):
    """Where the calendar can be read by whoever knows this."""

    calendar_id: CalendarId
    path: str
    """With its secret, on this server: shown now, and never again."""
    token: str
    opened_at: datetime


# ── calendars ───────────────────────────────────────────────────────────────────────────────────────────


class NewCalendar(Body, frozen=True, kw_only=True):
    name: shapes.Name
    id: CalendarId | None = None
    """A UUIDv7 of your own, so that the request can be repeated. Left out: the server makes one."""
    workspace_id: WorkspaceId | None = None
    time_zone: shapes.Zone | None = None
    """Left out: that of your profile."""
    color: shapes.Color | None = None
    description: shapes.Description | None = None


class CalendarEdits(Body, frozen=True, kw_only=True):
    """Changes what it names and nothing else. null clears."""

    name: shapes.Name | UnsetType = UNSET
    time_zone: shapes.Zone | UnsetType = UNSET
    """What is in it stays at its times, in its zones."""
    color: shapes.Color | UnsetType | None = UNSET
    description: shapes.Description | UnsetType | None = UNSET


def given(body: Struct) -> dict[str, Any]:
    """What the body says, by name, without what it leaves out; parts as the commands have them."""
    return {
        name: _part(value)
        for name in body.__struct_fields__
        if name not in _NOT_OF_THE_THING and (value := getattr(body, name)) is not UNSET
    }


def given_for_new(body: Struct) -> dict[str, Any]:
    """The same for something new, for which null says no more than leaving out, but of a zone."""
    return {name: value for name, value in given(body).items() if value is not None or name == "time_zone"}


def _part(value: Any) -> Any:
    match value:
        case RecurrenceBody():
            return Recurrence(rules=value.rules, extra_dates=value.extra_dates, excluded_dates=value.excluded_dates)
        case AttendeeBody():
            return Attendee(
                user_id=value.user_id, email=value.email, name=value.name, role=value.role, answer=value.answer
            )
        case ReminderBody():
            return Reminder(before=value.before, at=value.at)
        case tuple():
            return tuple(map(_part, value))
        case _:
            return value


_NOT_OF_THE_THING: Final = ("dry_run", "id")
