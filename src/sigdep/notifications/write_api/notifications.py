"""POST below `/api/notifications`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

from sigdep.contracts.ids import WorkspaceId
from sigdep.http.routes import Body, Route
from sigdep.kernel.errors import Refused, SigdepError
from sigdep.notifications.commands.inbox import MarkAllRead, MarkDone, MarkRead, MarkUnread, SnoozeNotification
from sigdep.notifications.domain.notification import Notification
from sigdep.notifications.events.inbox import NotificationId
from sigdep.rpc.call import Answer, Call, Service


class UntilThen(Body, frozen=True, kw_only=True):
    until: Annotated[datetime, Meta(tz=True)]
    """When it is unread again."""


class ReadAll(Body, frozen=True, kw_only=True):
    workspace_id: WorkspaceId | None = None
    """Left out: in all workspaces."""


class NotificationWrites:
    """Handlers: from bodies to commands."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def read(self, call: Call, notification_id: NotificationId) -> Answer[Notification]:
        """One that is done stays done (409): mark it unread first."""
        command = MarkRead(notification_id=notification_id, by=call.caller.user_id, at=call.asked_at)
        return await self.service.ask(command, call)

    async def unread(self, call: Call, notification_id: NotificationId) -> Answer[Notification]:
        """Whatever it was: read, snoozed or done."""
        command = MarkUnread(notification_id=notification_id, by=call.caller.user_id, at=call.asked_at)
        return await self.service.ask(command, call)

    async def done(self, call: Call, notification_id: NotificationId) -> Answer[Notification]:
        """It leaves the inbox, and is found by `state=done`."""
        command = MarkDone(notification_id=notification_id, by=call.caller.user_id, at=call.asked_at)
        return await self.service.ask(command, call)

    async def snooze(self, call: Call, notification_id: NotificationId, body: UntilThen) -> Answer[Notification]:
        """It leaves the inbox until then, and comes back unread."""
        command = SnoozeNotification(
            notification_id=notification_id, until=body.until, by=call.caller.user_id, at=call.asked_at
        )
        return await self.service.ask(command, call)

    async def read_all(self, call: Call, body: ReadAll) -> Answer[None]:
        """The newest 10,000, as far as they are listed by now: `Sigdep-Min-Position` makes sure of one that is new."""
        command = MarkAllRead(by=call.caller.user_id, at=call.asked_at, workspace_id=body.workspace_id)
        return await self.service.ask(command, call)


def inbox_write_routes(service: Service) -> Sequence[Route]:
    handlers = NotificationWrites(service)
    one = "/api/notifications/{notification_id}"
    return (
        _route("/api/notifications/read-all", handlers.read_all, "Mark all that is unread as read."),
        _route(f"{one}/read", handlers.read, "Mark a notification read.", Refused),
        _route(f"{one}/unread", handlers.unread, "Mark a notification unread."),
        _route(f"{one}/snooze", handlers.snooze, "Put a notification out of sight for a while."),
        _route(f"{one}/done", handlers.done, "Mark a notification done."),
    )


def _route(path: str, handle: Any, summary: str, *errors: type[SigdepError]) -> Route:
    return Route(
        method="POST",
        path=path,
        handle=handle,
        summary=summary,
        tag="notifications",
        scope="notifications:write",
        errors=errors,
    )
