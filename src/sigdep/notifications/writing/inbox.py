"""Commands to notifications that exist: each by itself, and all that are unread."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from sigdep.contracts.ids import WorkspaceId
from sigdep.http.stamps import internal_call
from sigdep.notifications.commands.inbox import MarkAllRead, MarkRead, NotificationCommand
from sigdep.notifications.domain.notification import decide
from sigdep.notifications.events.inbox import NotificationId
from sigdep.notifications.queries.inbox import FindUnread, FoundPage
from sigdep.notifications.writing.attempt import Attempt
from sigdep.rpc.call import Call, Service

PAGE_NOTIFICATIONS: Final = 500
PAGES_MAX: Final = 20
"""So many are marked by one command. Whoever has more unread asks again."""


async def change_notification(attempt: Attempt, command: NotificationCommand) -> NotificationId:
    notifications, identity = attempt.around.notifications, command.notification_id
    notification = await attempt.unit.load(notifications, identity)
    attempt.match(notifications, identity, notification.version)
    attempt.record(notifications, identity, decide(command, notification))
    return identity


async def mark_all(attempt: Attempt, command: MarkAllRead, unread: Sequence[NotificationId]) -> None:
    """Those of the attempt's workspace. One that is not unread any more stays as it is."""
    notifications = attempt.around.notifications
    for identity in unread:
        notification = await attempt.unit.load(notifications, identity)
        if notification.state == "unread" and notification.recipient_id == command.by:
            mark = MarkRead(notification_id=identity, by=command.by, at=command.at)
            attempt.record(notifications, identity, decide(mark, notification))


async def unread_of(
    read: Service, command: MarkAllRead, call: Call
) -> AsyncIterator[Mapping[WorkspaceId, Sequence[NotificationId]]]:
    """The unread notifications, page by page, by their workspaces.

    Args:
        call: a position that it wants to see reflected is waited for.
    """
    asked = replace(internal_call(), min_position=call.min_position, min_feed=call.min_feed)
    query = FindUnread(user_id=command.by, workspace_id=command.workspace_id, limit=PAGE_NOTIFICATIONS)
    for _ in range(PAGES_MAX):
        page: FoundPage = (await read.ask(query, asked)).value
        by_workspace: dict[WorkspaceId, list[NotificationId]] = {}
        for found in page.found:
            by_workspace.setdefault(found.workspace_id, []).append(found.notification_id)
        yield by_workspace
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)
