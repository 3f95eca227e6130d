"""The people, places and times of the stories that these tests tell, and events and commands to tell them with."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sigdep.calendar.commands import EditAppointment, ScheduleAppointment
from sigdep.calendar.events.appointments import AppointmentScheduled, Recurrence
from sigdep.contracts.ids import AppointmentId, CalendarId, UserId, WorkspaceId

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def identity(number: int) -> UUID:
    return UUID(f"019aab00-0000-7000-8000-{number:012}")


ADA, BOB, CY, EVE = (UserId(identity(number)) for number in (1, 2, 3, 5))
HOME, TEAM = WorkspaceId(identity(11)), WorkspaceId(identity(12))
WORK, PLAY = CalendarId(identity(21)), CalendarId(identity(22))
STANDUP, LUNCH = AppointmentId(identity(31)), AppointmentId(identity(32))

DAILY = Recurrence(rules=("FREQ=DAILY",))


def scheduled(**fields: Any) -> AppointmentScheduled:
    """A daily series from Tuesday, 1 December 2026, at nine in Berlin, unless it is said otherwise."""
    content: dict[str, Any] = {
        "appointment_id": STANDUP,
        "workspace_id": HOME,
        "calendar_id": WORK,
        "uid": str(STANDUP),
        "title": "Stand-up",
        "start": "2026-12-01T09:00:00",
        "end": "2026-12-01T09:15:00",
        "time_zone": "Europe/Berlin",
        "recurrence": DAILY,
        "by": ADA,
        "at": NOON,
    }
    return AppointmentScheduled(**(content | fields))


def schedule(**fields: Any) -> ScheduleAppointment:
    """As it reaches the decision: with everything that is looked up beforehand."""
    content: dict[str, Any] = {
        "appointment_id": STANDUP,
        "workspace_id": HOME,
        "calendar_id": WORK,
        "title": "Stand-up",
        "start": "2026-12-01T09:00",
        "end": "2026-12-01T09:15",
        "time_zone": "Europe/Berlin",
        "recurrence": DAILY,
        "by": ADA,
        "at": NOON,
    }
    return ScheduleAppointment(**(content | fields))


def edit(**fields: Any) -> EditAppointment:
    return EditAppointment(appointment_id=STANDUP, by=ADA, at=LATER, **fields)


def day(number: int, time: str = "09:00:00") -> str:
    """The original start of an occurrence in December 2026."""
    return f"2026-12-{number:02}T{time}"
