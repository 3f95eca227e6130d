"""POST, PATCH and DELETE below `/api/calendars`."""

from collections.abc import Sequence
from typing import Any

from sigdep.calendar.commands import (
    ArchiveCalendar,
    CreateCalendar,
    EditCalendar,
    RestoreCalendar,
    TrashCalendar,
    UnarchiveCalendar,
)
from sigdep.calendar.domain.calendar import Calendar
from sigdep.calendar.write_api import bodies
from sigdep.calendar.write_api.bodies import given, given_for_new
from sigdep.calendar.write_api.events import chosen_workspace
from sigdep.contracts.ids import CalendarId
from sigdep.http.routes import Route
from sigdep.kernel.errors import Refused
from sigdep.rpc.call import Answer, Call, Service


class CalendarWrites:
    """Handlers: from bodies to commands."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def create(self, call: Call, body: bodies.NewCalendar, query: bodies.Where) -> Answer[Calendar]:
        """A request with an `id` of your own may be repeated: the second answers 200 and changes nothing."""
        fields = given_for_new(body) | {"workspace_id": chosen_workspace(body.workspace_id, query)}
        command = CreateCalendar(calendar_id=body.id, by=call.caller.user_id, at=call.asked_at, **fields)
        return await self.service.ask(command, call)

    async def edit(self, call: Call, calendar_id: CalendarId, body: bodies.CalendarEdits) -> Answer[Calendar]:
        """Fields that are not named stay as they are. null clears."""
        command = EditCalendar(calendar_id=calendar_id, by=call.caller.user_id, at=call.asked_at, **given(body))
        return await self.service.ask(command, call)

    async def archive(self, call: Call, calendar_id: CalendarId) -> Answer[Calendar]:
        """Its events can be read and no longer changed (409), and leave the lists that do not name the calendar."""
        return await self._ask(ArchiveCalendar, call, calendar_id)

    async def unarchive(self, call: Call, calendar_id: CalendarId) -> Answer[Calendar]:
        return await self._ask(UnarchiveCalendar, call, calendar_id)

    async def trash(self, call: Call, calendar_id: CalendarId) -> Answer[Calendar]:
        """Its events are out of sight with it. Takes an admin of the workspace."""
        return await self._ask(TrashCalendar, call, calendar_id)

    async def restore(self, call: Call, calendar_id: CalendarId) -> Answer[Calendar]:
        """Its events are back with it. Takes an admin of the workspace."""
        return await self._ask(RestoreCalendar, call, calendar_id)

    async def _ask(self, command: Any, call: Call, calendar_id: CalendarId) -> Answer[Calendar]:
        return await self.service.ask(command(calendar_id=calendar_id, by=call.caller.user_id, at=call.asked_at), call)


def calendar_write_routes(service: Service) -> Sequence[Route]:
    handlers = CalendarWrites(service)
    one = "/api/calendars/{calendar_id}"
    return (
        _route("POST", "/api/calendars", handlers.create, "Create a calendar."),
        _route("PATCH", one, handlers.edit, "Change the fields that are named."),
        _route("DELETE", one, handlers.trash, "Put a calendar into the trash, and its events with it."),
        _route("POST", f"{one}/restore", handlers.restore, "Bring a calendar back from the trash."),
        _route("POST", f"{one}/archive", handlers.archive, "Archive a calendar."),
        _route("POST", f"{one}/unarchive", handlers.unarchive, "Take a calendar out of the archive."),
    )


def _route(method: Any, path: str, handle: Any, summary: str) -> Route:
    return Route(
        method=method,
        path=path,
        handle=handle,
        summary=summary,
        tag="calendars",
        scope="calendar:write",
        errors=(Refused,),
    )
