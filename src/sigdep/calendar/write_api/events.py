"""POST, PATCH and DELETE below `/api/events`."""

from collections.abc import Sequence
from typing import Any

from sigdep.calendar.commands import (
    AnswerInvitation,
    EditAppointment,
    RemoveAppointment,
    RestoreAppointment,
    ScheduleAppointment,
    UndoEdit,
)
from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.write_api import bodies
from sigdep.calendar.write_api.bodies import given, given_for_new
from sigdep.contracts.ids import AppointmentId, WorkspaceId
from sigdep.http.routes import Route
from sigdep.kernel.errors import Invalid, Refused
from sigdep.rpc.call import Answer, Call, Service


class EventWrites:
    """Handlers: from bodies to commands. Inside, an event is an appointment."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def create(self, call: Call, body: bodies.NewEvent, query: bodies.Where) -> Answer[Appointment]:
        """In the calendar that is named; else in the default one of the workspace, which is made when it is first used.
        A request with an `id` of your own may be repeated: the second answers 200 and changes nothing.
        """
        fields = given_for_new(body) | {"workspace_id": chosen_workspace(body.workspace_id, query)}
        command = ScheduleAppointment(appointment_id=body.id, by=call.caller.user_id, at=call.asked_at, **fields)
        return await self.service.ask(command, call)

    async def edit(
        self, call: Call, event_id: AppointmentId, body: bodies.EventEdits, query: bodies.Which
    ) -> Answer[Appointment]:
        """Fields that are not named stay as they are. null clears.

        `scope=following` cuts a series in two, and answers the later part: an event of its own that `continues` the
        first. With `scope=all` and an occurrence, start and end are those of the occurrence, and all others move alike.
        Occurrences that were changed or answered go along, and none of them is lost.
        """
        fields = given(body)
        for name in ("attendees", "reminders"):
            if name in fields and fields[name] is None:
                fields[name] = ()
        command = EditAppointment(
            appointment_id=event_id,
            by=call.caller.user_id,
            at=call.asked_at,
            scope=query.scope,
            occurrence=query.occurrence,
            **fields,
        )
        return await self.service.ask(command, call)

    async def remove(self, call: Call, event_id: AppointmentId, query: bodies.Which) -> Answer[Appointment]:
        """`this` cancels one occurrence, `following` ends the series before it, `all` puts the event into the trash.
        Each can be restored or undone.
        """
        command = RemoveAppointment(
            appointment_id=event_id,
            by=call.caller.user_id,
            at=call.asked_at,
            scope=query.scope,
            occurrence=query.occurrence,
        )
        return await self.service.ask(command, call)

    async def restore(self, call: Call, event_id: AppointmentId, query: bodies.WhichOne) -> Answer[Appointment]:
        """From the trash; or one occurrence, with everything that was different about it."""
        command = RestoreAppointment(
            appointment_id=event_id, by=call.caller.user_id, at=call.asked_at, occurrence=query.occurrence
        )
        return await self.service.ask(command, call)

    async def answer(self, call: Call, event_id: AppointmentId, body: bodies.InvitationAnswer) -> Answer[Appointment]:
        """Your own, as an attendee, for which a viewer is enough; or of somebody who has an e-mail address only."""
        command = AnswerInvitation(
            appointment_id=event_id,
            answer=body.answer,
            occurrence=body.occurrence,
            email=body.email,
            by=call.caller.user_id,
            at=call.asked_at,
        )
        return await self.service.ask(command, call)

    async def undo(self, call: Call, event_id: AppointmentId, body: bodies.Undo) -> Answer[Appointment]:
        """What the edit changed is as it was before. Answers, and whatever was changed since, stay: where that stands
        in the way, nothing is undone (409). Undoing a cut answers the series that is whole again.
        """
        command = UndoEdit(appointment_id=event_id, version=body.version, by=call.caller.user_id, at=call.asked_at)
        return await self.service.ask(command, call)


def chosen_workspace(named: WorkspaceId | None, query: bodies.Where) -> WorkspaceId | None:
    """
    Raises:
        Invalid: body and query name different workspaces.
    """
    if named is not None and query.workspace_id not in (None, named):
        raise Invalid.at("/workspace_id", "The body names another workspace than the query.")
    return named or query.workspace_id


def event_write_routes(service: Service) -> Sequence[Route]:
    handlers = EventWrites(service)
    one = "/api/events/{event_id}"
    return (
        _route("POST", "/api/events", handlers.create, "Create an event."),
        _route("PATCH", one, handlers.edit, "Change the fields that are named, of one occurrence or of several."),
        _route("DELETE", one, handlers.remove, "Cancel an occurrence, end a series, or put an event into the trash."),
        _route("POST", f"{one}/restore", handlers.restore, "Bring an event or an occurrence back."),
        _route("POST", f"{one}/answer", handlers.answer, "Answer an invitation."),
        _route("POST", f"{one}/undo", handlers.undo, "Take an edit back."),
    )


def _route(method: Any, path: str, handle: Any, summary: str) -> Route:
    return Route(
        method=method,
        path=path,
        handle=handle,
        summary=summary,
        tag="events",
        scope="calendar:write",
        errors=(Refused,),
    )
