"""GET of what a person is told, and of what they have said about it."""

from collections.abc import Sequence
from typing import Any

from sigdep.contracts.ids import WorkspaceId
from sigdep.http.read_parameters import Cursor, Limit
from sigdep.http.routes import PAGE_ITEMS, Listing, Parameters, Route
from sigdep.kernel.errors import NotFound
from sigdep.notifications.domain.notification import Notification
from sigdep.notifications.events.inbox import Kind, NotificationId
from sigdep.notifications.queries.inbox import CountNotifications, Counts, GetNotification, ListNotifications, Standing
from sigdep.notifications.queries.people import (
    DeviceList,
    GetPreferences,
    GetPushKey,
    ListDevices,
    PreferencesView,
    PushKey,
)
from sigdep.rpc.call import Answer, Call, Encoded, Service


class InboxParameters(Parameters, frozen=True, kw_only=True):
    state: tuple[Standing, ...] = ()
    """Several: any of them. Left out: `unread` and `read`."""
    kind: tuple[Kind, ...] = ()
    """Several: any of them."""
    workspace_id: WorkspaceId | None = None
    """Left out: all workspaces."""
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS


class NotificationReads:
    """Handlers: from parameters to queries."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def find(self, call: Call, query: InboxParameters) -> Answer[Listing[Notification] | Encoded]:
        """The newest first: what you were told in the workspaces that you are a member of."""
        question = ListNotifications(
            state=query.state,
            kind=query.kind,
            workspace_id=query.workspace_id,
            cursor=query.cursor,
            limit=query.limit,
        )
        return await self.service.ask(question, call)

    async def count(self, call: Call) -> Answer[Counts | Encoded]:
        """At most 1,000 of each are counted; `at_least` says where there are more."""
        return await self.service.ask(CountNotifications(), call)

    async def get(self, call: Call, notification_id: NotificationId) -> Answer[Notification | Encoded]:
        """One that was told to somebody else is not found."""
        return await self.service.ask(GetNotification(notification_id=notification_id), call)

    async def preferences(self, call: Call) -> Answer[PreferencesView | Encoded]:
        """Every kind by every way, also those about which you have said nothing."""
        return await self.service.ask(GetPreferences(), call)

    async def push_key(self, call: Call) -> Answer[PushKey | Encoded]:
        """Give it to `pushManager.subscribe`, and what that gives to `POST /api/devices`."""
        return await self.service.ask(GetPushKey(), call)

    async def devices(self, call: Call) -> Answer[DeviceList | Encoded]:
        """In the order in which they registered, at most 20: one more takes the place of the oldest."""
        return await self.service.ask(ListDevices(), call)


def inbox_read_routes(service: Service) -> Sequence[Route]:
    handlers = NotificationReads(service)
    return (
        _route("/api/notifications", handlers.find, "List your notifications.", "notifications"),
        _route("/api/notifications/counts", handlers.count, "Count what waits for you.", "notifications"),
        _route("/api/notifications/{notification_id}", handlers.get, "Get a notification.", "notifications", NotFound),
        _route(
            "/api/notification-preferences",
            handlers.preferences,
            "What you are told, by which ways, and when you want quiet.",
            "notification preferences",
        ),
        _route("/api/push-key", handlers.push_key, "By what browsers know this server.", "devices"),
        _route("/api/devices", handlers.devices, "List your devices, without their secrets.", "devices"),
    )


def _route(path: str, handle: Any, summary: str, tag: str, *errors: Any) -> Route:
    return Route(
        method="GET", path=path, handle=handle, summary=summary, tag=tag, scope="notifications:read", errors=errors
    )
