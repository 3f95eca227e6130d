"""GET below `/api/reminders`."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from sigdep.http.read_parameters import Cursor, Limit
from sigdep.http.routes import PAGE_ITEMS, Listing, Parameters, Route
from sigdep.kernel.errors import NotFound
from sigdep.notifications.events.reminders import ReminderId
from sigdep.notifications.queries.reminders import (
    GetReminder,
    ListReminders,
    ReminderHistory,
    ReminderState,
    ReminderView,
)
from sigdep.rpc.call import Answer, Call, Encoded, Service


class ReminderParameters(Parameters, frozen=True, kw_only=True):
    state: tuple[ReminderState, ...] = ()
    """Several: any of them. Left out: all."""
    thing_id: UUID | None = None
    """Of a task or an event."""
    order: Literal["earliest", "latest"] = "earliest"
    """Which come first, by when they are due."""
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS


class ReminderReads:
    """Handlers: from parameters to queries."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def find(self, call: Call, query: ReminderParameters) -> Answer[Listing[ReminderView] | Encoded]:
        """Yours, of the next weeks and of the past, in the workspaces that you are a member of."""
        question = ListReminders(
            state=query.state,
            thing_id=query.thing_id,
            latest_first=query.order == "latest",
            cursor=query.cursor,
            limit=query.limit,
        )
        return await self.service.ask(question, call)

    async def get(self, call: Call, reminder_id: ReminderId) -> Answer[ReminderHistory | Encoded]:
        """Every step of its way, and each attempt of each delivery: why it came when it did, or why it did not."""
        return await self.service.ask(GetReminder(reminder_id=reminder_id), call)


def reminder_read_routes(service: Service) -> Sequence[Route]:
    handlers = ReminderReads(service)
    return (
        _route("/api/reminders", handlers.find, "List your reminders."),
        _route("/api/reminders/{reminder_id}", handlers.get, "Show what has happened to a reminder.", NotFound),
    )


def _route(path: str, handle: Any, summary: str, *errors: Any) -> Route:
    return Route(
        method="GET",
        path=path,
        handle=handle,
        summary=summary,
        tag="reminders",
        scope="notifications:read",
        errors=errors,
    )
