"""The kinds of things of this context that have a stream of their own."""

from typing import Final

from sigdep.calendar.domain import appointment, calendar
from sigdep.calendar.events.appointments import AppointmentScheduled
from sigdep.calendar.events.calendars import CalendarCreated
from sigdep.calendar.read_models.appointment_rows import APPOINTMENTS
from sigdep.calendar.read_models.calendars import CALENDARS
from sigdep.reading.things import Thing

CONTEXT: Final = "calendar"

CALENDAR: Final = Thing(
    name="This calendar",
    table=CALENDARS,
    category=calendar.CATEGORY,
    absent=calendar.ABSENT,
    begins=CalendarCreated,
    evolve=calendar.evolve,
)
APPOINTMENT: Final = Thing(
    name="This event",
    table=APPOINTMENTS,
    category=appointment.CATEGORY,
    absent=appointment.ABSENT,
    begins=AppointmentScheduled,
    evolve=appointment.evolve,
)

THINGS: Final = {"calendar": CALENDAR, "appointment": APPOINTMENT}
