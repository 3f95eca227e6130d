"""GET below `/api/calendars`."""

from collections.abc import Sequence
from typing import Any

from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.calendar import Calendar
from sigdep.calendar.queries import GetCalendar, ListAppointments, ListCalendars
from sigdep.calendar.read_api import parameters
from sigdep.calendar.read_api.histories import HistoryLine, show_history
from sigdep.contracts.ids import CalendarId
from sigdep.http.read_parameters import HistoryParameters, OneParameters, moment_of
from sigdep.http.routes import Listing, Route
from sigdep.rpc.call import Answer, Call, Encoded, Service


class CalendarReads:
    """Handlers: from parameters to queries."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def find(self, call: Call, query: parameters.CalendarListParameters) -> Answer[Listing[Calendar] | Encoded]:
        """The calendars of one workspace, by name. The default one is there once it has been used."""
        question = ListCalendars(
            workspace_id=query.workspace_id,
            archived=query.archived,
            trashed=query.trashed,
            cursor=query.cursor,
            limit=query.limit,
            at=moment_of(query.at),
        )
        return await self.service.ask(question, call)

    async def get(self, call: Call, calendar_id: CalendarId, query: OneParameters) -> Answer[Calendar | Encoded]:
        """One in the trash is shown, with `trashed_at`."""
        return await self.service.ask(GetCalendar(calendar_id=calendar_id, at=moment_of(query.at)), call)

    async def kept(
        self, call: Call, calendar_id: CalendarId, query: parameters.KeptParameters
    ) -> Answer[Listing[Appointment] | Encoded]:
        """As they are kept, each series once, in the order in which they were made. What is on when: `/api/events`."""
        question = ListAppointments(
            calendar_id=calendar_id,
            uid=query.uid,
            trashed=query.trashed,
            cursor=query.cursor,
            limit=query.limit,
            at=moment_of(query.at),
        )
        return await self.service.ask(question, call)

    async def history(
        self, call: Call, calendar_id: CalendarId, query: HistoryParameters
    ) -> Answer[Listing[HistoryLine]]:
        """Each change with who, when, through what, and the fields that it changed, before and after."""
        return await show_history(self.service, "calendar", calendar_id, query, call)


def calendar_read_routes(service: Service) -> Sequence[Route]:
    handlers = CalendarReads(service)
    one = "/api/calendars/{calendar_id}"
    return (
        _route("/api/calendars", handlers.find, "List calendars."),
        _route(one, handlers.get, "Get a calendar."),
        _route(f"{one}/events", handlers.kept, "List the events of a calendar as they are kept."),
        _route(f"{one}/history", handlers.history, "Show what has happened to a calendar."),
    )


def _route(path: str, handle: Any, summary: str) -> Route:
    return Route(method="GET", path=path, handle=handle, summary=summary, tag="calendars", scope="calendar:read")
