"""The last events of a workspace, ready to be sent, for those who come back after a moment.

A thousand readers who lose their connections at once come back at once: none of them makes us read the log.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.ids import UserId
from sigdep.gateway.live.bounds import RECENT_BYTES_MAX, RECENT_EVENTS_MAX
from sigdep.gateway.live.places import includes, reaches
from sigdep.http.positions import FeedPosition
from sigdep.kernel.ids import text_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, encoded once for all readers."""

    position: FeedPosition
    """Just after it."""
    event: CloudEvent
    frame: bytes

    def is_for(self, user: UserId) -> bool:
        """Whether the user may hear it."""
        return self.event.recipientid is None or self.event.recipientid == text_of(user)


class Recent:
    def __init__(self, start: FeedPosition) -> None:
        self._start = start
        """Nothing that was passed here is kept any more."""
        self._entries: deque[Entry] = deque()
        self._bytes = 0

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._bytes += len(entry.frame)
        while self._bytes > RECENT_BYTES_MAX or len(self._entries) > RECENT_EVENTS_MAX:
            gone = self._entries.popleft()
            self._bytes -= len(gone.frame)
            self._start = gone.position

    def covers(self, place: FeedPosition) -> bool:
        """Whether everything after a place is here."""
        return reaches(place, self._start)

    def after(self, place: FeedPosition) -> Iterator[Entry]:
        """What whoever is at the place has not passed, oldest first."""
        return (entry for entry in self._entries if not includes(place, entry.position, entry.event))
