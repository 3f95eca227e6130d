"""One client's way through one workspace."""

from collections.abc import Iterable

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.gateway.live.messages import event_frame, unsubscribed_frame
from sigdep.gateway.live.outlet import Outlet
from sigdep.gateway.live.places import furthest, includes
from sigdep.gateway.live.recent import Entry
from sigdep.http.positions import FeedPosition


class Subscription:
    """First it goes by itself through what its client has missed; then it stands in the room with all others."""

    def __init__(self, workspace: WorkspaceId, user: UserId, outlet: Outlet, *, presence: bool) -> None:
        self.workspace = workspace
        self.user = user
        self.outlet = outlet
        self.presence = presence
        self.over = False
        """True: nothing of this workspace may be sent any more."""
        self.ahead: FeedPosition | None = None
        """Where it is, while it has passed something that the room has not, as when the client had written and gave
        the position of that. The position of the room would take it back."""

    def send(self, frame: bytes) -> bool:
        """Send it, unless nothing may be sent any more, or nothing would arrive: then it returns False."""
        if self.over or self.outlet.closed:
            return False
        self.outlet.send_frames(frame)
        return True

    def end(self, why: Exception | None) -> None:
        """Tell the client, as the last word of this workspace. Safe to repeat."""
        if not self.over:
            self.over = True
            self.outlet.send_frames(unsubscribed_frame(self.workspace, why))

    def take(self, entries: Iterable[Entry], place: FeedPosition) -> int:
        """Send what it has not passed and may hear. Returns how many events those were.

        Args:
            place: where it is.
        """
        sent = 0
        for entry in entries:
            if includes(place, entry.position, entry.event):
                continue
            place = furthest(place, entry.position)
            if not entry.is_for(self.user):
                continue
            frame = entry.frame if place == entry.position else event_frame(place, entry.event)
            self.outlet.send_frames(frame)
            sent += 1
        self.ahead = place
        return sent
