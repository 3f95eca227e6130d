"""The read model of the context: calendars and appointments, projected together.

They are one because a list of appointments asks for both at one position, and because reading and unsealing an event
costs more than projecting it.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from sigdep.calendar.domain import appointment, calendar
from sigdep.calendar.events.oblivion import WorkspaceForgotten
from sigdep.calendar.read_models.appointment_model import AppointmentModel
from sigdep.calendar.read_models.calendars import calendar_model
from sigdep.calendar.read_models.zones_release import zones_release
from sigdep.kernel.projection import Rows, until_each
from sigdep.kernel.read_store import Compare, Table
from sigdep.kernel.store import RecordedEvent

REVISION: Final = 1
"""Raise it when a row comes out otherwise and neither the tables nor a domain's SCHEMA show it."""


class CalendarReadModel:
    """What `calendar.read` answers from. It is made anew when the zones of the world have changed."""

    name: Final = "calendar"

    def __init__(self) -> None:
        self._appointments = AppointmentModel()
        self._parts = (self._appointments, calendar_model())
        self.tables: Sequence[Table] = tuple(table for part in self._parts for table in part.tables)
        made_by = f"{REVISION}|{appointment.SCHEMA}|{calendar.SCHEMA}|{zones_release()}|{self.tables}"
        self.fingerprint = sha256(made_by.encode()).hexdigest()

    async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        for events, forgotten in until_each(batch, (WorkspaceForgotten,)):
            for part in self._parts:
                await part.project(events, rows)
            if forgotten is not None:
                self._appointments.forget()
                for table in self.tables:
                    rows.delete_where(table, Compare("workspace_id", "=", forgotten.workspace_id))
