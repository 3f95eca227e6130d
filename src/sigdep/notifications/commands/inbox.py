"""What is asked of notifications.

`by` and `at` are stamped at the edge, from the call.
"""

from datetime import datetime

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Command
from sigdep.notifications.events.inbox import Kind, NotificationId, Thing


class TellPeople(Command):
    """Tell one thing to some people: in their inboxes, and by the ways that they want. Asked by nobody but reactions.

    Whoever has been told of this key is not told again. Whoever is no member of the workspace is not told.
    """

    workspace_id: WorkspaceId
    recipients: tuple[UserId, ...]
    kind: Kind
    title: str
    key: str
    occurred_at: datetime
    at: datetime
    body: str = ""
    thing: Thing | None = None
    link: str | None = None
    by: UserId | None = None
    urgent: bool = False


class MarkRead(Command):
    notification_id: NotificationId
    by: UserId
    at: datetime


class MarkUnread(Command):
    notification_id: NotificationId
    by: UserId
    at: datetime


class MarkDone(Command):
    notification_id: NotificationId
    by: UserId
    at: datetime


class SnoozeNotification(Command):
    notification_id: NotificationId
    until: datetime
    by: UserId
    at: datetime


class ReturnNotification(Command):
    """The time for which it was snoozed is over. Asked by nobody but a job."""

    notification_id: NotificationId
    at: datetime


NotificationCommand = MarkRead | MarkUnread | MarkDone | SnoozeNotification | ReturnNotification


class MarkAllRead(Command):
    """Those that are unread, as far as the reading side has come: the newest 10,000."""

    by: UserId
    at: datetime
    workspace_id: WorkspaceId | None = None
    """None: in all workspaces."""
