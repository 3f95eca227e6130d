"""The feed of a calendar: who has its secret can read it, and nobody keeps the secret."""

import hmac
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sigdep.calendar.commands import CloseFeed, FeedCommand, OpenFeed
from sigdep.calendar.events.feeds import FeedClosed, FeedEvent, FeedOpened
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.messages import State

CATEGORY: Final = "feed"


class OpenedFeed(State):
    """Closed where it has no digest."""

    workspace_id: WorkspaceId | None = None
    sha256: str | None = None
    opened_at: datetime | None = None
    opened_by: UserId | None = None


def digest_of(token: str) -> str:
    """What is kept of a secret. There is nothing to guess in 256 bits."""
    return sha256(token.encode()).hexdigest()


def opens(feed: OpenedFeed, token: str) -> bool:
    """Whether it is the secret, found out in the same time whatever it is."""
    return hmac.compare_digest(digest_of(token), feed.sha256 or "") and feed.sha256 is not None


def decide(command: FeedCommand, feed: OpenedFeed) -> list[FeedEvent]:
    """The commands arrive resolved: the calendar exists, and its workspace is named."""
    match command:
        case OpenFeed():
            if feed.sha256 == command.sha256:
                return []
            assert command.workspace_id is not None
            return [
                FeedOpened(
                    calendar_id=command.calendar_id,
                    workspace_id=command.workspace_id,
                    sha256=command.sha256,
                    by=command.by,
                    at=command.at,
                )
            ]
        case CloseFeed():
            if feed.sha256 is None:
                return []
            return [FeedClosed(calendar_id=command.calendar_id, by=command.by, at=command.at)]


def evolve(feed: OpenedFeed, event: FeedEvent) -> OpenedFeed:
    match event:
        case FeedOpened():
            return OpenedFeed(
                workspace_id=event.workspace_id, sha256=event.sha256, opened_at=event.at, opened_by=event.by
            )
        case FeedClosed():
            return OpenedFeed(workspace_id=feed.workspace_id)


FEED: Final = Decider[Any, OpenedFeed](
    category=CATEGORY, initial=OpenedFeed(), decide=decide, evolve=evolve, schema="feed-1"
)
