"""How places in a feed compare: one number for each log, and no order between logs."""

from typing import Final

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.http.positions import FeedPosition
from sigdep.kernel.ids import Position

NOWHERE: Final = Position(0)


def log_of(event: CloudEvent) -> str:
    """The log that an event stands in: its source is `/contexts/<log>`."""
    return event.source.rpartition("/")[2]


def reaches(place: FeedPosition, other: FeedPosition) -> bool:
    """Whether whoever is at `place` has passed all that was passed at `other`."""
    return all(place.positions.get(log, 0) >= position for log, position in other.positions.items())


def includes(place: FeedPosition, position: FeedPosition, event: CloudEvent) -> bool:
    """Whether whoever is at `place` has passed this event.

    Args:
        position: just after the event.
    """
    log = log_of(event)
    return position.positions[log] <= place.positions.get(log, 0)


def furthest(place: FeedPosition, other: FeedPosition) -> FeedPosition:
    """In each log the later of two places of one workspace."""
    logs = {**other.positions, **place.positions}
    return FeedPosition(
        place.partition,
        {log: max(place.positions.get(log, NOWHERE), other.positions.get(log, NOWHERE)) for log in logs},
    )
