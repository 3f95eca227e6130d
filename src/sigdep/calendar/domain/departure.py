"""That somebody has left a workspace: the feeds that they made there until then end."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from sigdep.calendar.commands import EndFeeds
from sigdep.calendar.domain.feed import OpenedFeed
from sigdep.calendar.events.feeds import MemberLeft
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.ids import text_of
from sigdep.kernel.messages import State

_DEPARTURES: Final = UUID("0b7c5f3e-8d0a-5a5e-9c8f-6a1d2e4b7c90")
"""Namespace (RFC 9562 §5.5) of the names of these streams."""


class Departure(State):
    workspace_id: WorkspaceId | None = None
    left_at: datetime | None = None
    """The last time. None: never."""


def departure_of(workspace_id: WorkspaceId, user_id: UserId) -> UUID:
    """By which it is found out without a list of all feeds."""
    return uuid5(_DEPARTURES, f"{text_of(workspace_id)}/{text_of(user_id)}")


def ends(departure: Departure, feed: OpenedFeed) -> bool:
    """Whether who opened the feed has left since. Who comes back opens another one."""
    left_at, opened_at = departure.left_at, feed.opened_at
    return left_at is not None and opened_at is not None and opened_at <= left_at


def decide(command: EndFeeds, departure: Departure) -> list[MemberLeft]:
    if departure.left_at is not None and departure.left_at >= command.at:
        return []
    return [MemberLeft(workspace_id=command.workspace_id, user_id=command.user_id, at=command.at)]


def evolve(departure: Departure, event: MemberLeft) -> Departure:
    match event:
        case MemberLeft():
            return Departure(workspace_id=event.workspace_id, left_at=event.at)


DEPARTURE: Final = Decider[Any, Departure](
    category="departure", initial=Departure(), decide=decide, evolve=evolve, schema="departure-1"
)
