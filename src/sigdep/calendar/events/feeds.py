"""What has happened to the feeds of calendars, and who has left, whose feeds must end.

Streams: `feed-<calendar id>`, and `departure-<made of workspace and user>`.
"""

from datetime import datetime

from sigdep.contracts.ids import CalendarId, UserId, WorkspaceId
from sigdep.kernel.messages import Event


class FeedOpened(Event):
    """Whoever has the secret can read the calendar, until another one is made or the feed is closed."""

    calendar_id: CalendarId
    workspace_id: WorkspaceId
    sha256: str
    """Of the secret, which nobody keeps."""
    by: UserId
    at: datetime


class FeedClosed(Event):
    """No secret opens it any more."""

    calendar_id: CalendarId
    by: UserId
    at: datetime


FeedEvent = FeedOpened | FeedClosed


class MemberLeft(Event):
    """The feeds that they have opened until then open no more: whoever leaves takes no key along."""

    workspace_id: WorkspaceId
    user_id: UserId
    at: datetime
