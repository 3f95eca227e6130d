"""What can be asked about digests, by the writing side and on behalf of nobody."""

from datetime import date, datetime

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Query
from sigdep.notifications.events.inbox import NotificationId


class FindDigestsDue(Query):
    """Some people whose digest is due."""

    now: datetime
    limit: int


class FindDigestItems(Query):
    """What a digest that goes out says of these notifications, which are from all workspaces of a person.

    No digest holds their words, which must be gone where one of the workspaces is erased.
    """

    user_id: UserId
    items: tuple[NotificationId, ...]


class DigestItem(Struct, frozen=True, kw_only=True):
    """One thing of which a digest tells."""

    words: str
    """What it is, and its title."""
    link: str | None
    """Where it is to be seen: a path below the server's own address."""


class DigestDue(Struct, frozen=True, kw_only=True):
    """Somebody's digest, as it would be now."""

    user_id: UserId
    workspace_id: WorkspaceId
    """Their personal one."""
    on: date
    title: str
    """Empty: there is nothing to tell."""
    items: tuple[NotificationId, ...]
    """What it tells of, the newest first."""
    more: int
    """So many more there are."""
