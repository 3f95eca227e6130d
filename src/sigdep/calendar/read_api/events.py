"""GET below `/api/events`, and `/api/free-busy`."""

from collections.abc import Sequence
from typing import Any

from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.queries import (
    BusyAnswer,
    BusyTimes,
    FindBusyTimes,
    GetAppointment,
    GetOccurrence,
    ListOccurrences,
    Occurrence,
)
from sigdep.calendar.read_api import parameters
from sigdep.calendar.read_api.histories import HistoryLine, show_history
from sigdep.contracts.ids import AppointmentId
from sigdep.http.read_parameters import HistoryParameters, OneParameters, moment_of
from sigdep.http.routes import Listing, Route
from sigdep.rpc.call import Answer, Call, Encoded, Service


class EventReads:
    """Handlers: from parameters to queries. Inside, an event is an appointment."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def find(
        self, call: Call, query: parameters.OccurrenceListParameters
    ) -> Answer[Listing[Occurrence] | Encoded]:
        """Everything that is on at some time from `from` and before `to`, each occurrence of a series by itself, in the
        order of `starts_at`. Left out: what was cancelled or is in the trash, and, unless their calendar is named, what
        is in archived calendars.
        """
        question = ListOccurrences(
            workspace_id=query.workspace_id,
            calendar_id=query.calendar_id,
            since=query.since,
            until=query.until,
            q=query.q,
            time_zone=query.time_zone,
            cursor=query.cursor,
            limit=query.limit,
            at=moment_of(query.at),
        )
        return await self.service.ask(question, call)

    async def get(self, call: Call, event_id: AppointmentId, query: OneParameters) -> Answer[Appointment | Encoded]:
        """As it is kept: a series as a whole, with what is different about single occurrences. One in the trash is
        shown, with `trashed_at`.
        """
        return await self.service.ask(GetAppointment(appointment_id=event_id, at=moment_of(query.at)), call)

    async def get_occurrence(
        self, call: Call, event_id: AppointmentId, occurrence: str, query: parameters.OccurrenceParameters
    ) -> Answer[Occurrence]:
        """By its original start. 404 where it was cancelled."""
        question = GetOccurrence(
            appointment_id=event_id, occurrence=occurrence, time_zone=query.time_zone, at=moment_of(query.at)
        )
        return await self.service.ask(question, call)

    async def history(
        self, call: Call, event_id: AppointmentId, query: HistoryParameters
    ) -> Answer[Listing[HistoryLine]]:
        """Each change with who, when, through what, and the fields that it changed, before and after."""
        return await show_history(self.service, "appointment", event_id, query, call)

    async def busy(self, call: Call, query: parameters.BusyParameters) -> Answer[Listing[BusyTimes]]:
        """When people have no time, and nothing of why: events that they are invited to and have not declined, or have
        made without inviting themselves, in all workspaces that you share with them. What touches is one.
        """
        question = FindBusyTimes(
            since=query.since, until=query.until, user_ids=query.user_ids, time_zone=query.time_zone
        )
        answer: Answer[BusyAnswer] = await self.service.ask(question, call)
        return Answer(value=Listing(items=answer.value.people))


def event_read_routes(service: Service) -> Sequence[Route]:
    handlers = EventReads(service)
    one = "/api/events/{event_id}"
    return (
        _route("/api/events", handlers.find, "List what is on."),
        _route(one, handlers.get, "Get an event."),
        _route(f"{one}/occurrences/{{occurrence}}", handlers.get_occurrence, "Get one occurrence of a series."),
        _route(f"{one}/history", handlers.history, "Show what has happened to an event."),
        _route("/api/free-busy", handlers.busy, "Find out when people have no time."),
    )


def _route(path: str, handle: Any, summary: str) -> Route:
    return Route(method="GET", path=path, handle=handle, summary=summary, tag="events", scope="calendar:read")
