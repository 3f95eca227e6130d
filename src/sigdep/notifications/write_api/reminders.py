"""POST below `/api/reminders`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from sigdep.http.routes import Body, Route
from sigdep.kernel.errors import Refused
from sigdep.notifications.commands.reminders import SnoozeReminder
from sigdep.notifications.domain.reminder import Reminder
from sigdep.notifications.events.reminders import ReminderId
from sigdep.rpc.call import Answer, Call, Service


class RemindAgain(Body, frozen=True, kw_only=True):
    until: Annotated[datetime, Meta(tz=True)]
    """When you are to be reminded again."""


class ReminderWrites:
    """Handlers: from bodies to commands."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def snooze(self, call: Call, reminder_id: ReminderId, body: RemindAgain) -> Answer[Reminder]:
        """One that has come comes again then, by all your ways, unless its thing is over by that time."""
        command = SnoozeReminder(reminder_id=reminder_id, until=body.until, by=call.caller.user_id, at=call.asked_at)
        return await self.service.ask(command, call)


def reminder_write_routes(service: Service) -> Sequence[Route]:
    return (
        Route(
            method="POST",
            path="/api/reminders/{reminder_id}/snooze",
            handle=ReminderWrites(service).snooze,
            summary="Be reminded again later.",
            tag="reminders",
            scope="notifications:write",
            errors=(Refused,),
        ),
    )
