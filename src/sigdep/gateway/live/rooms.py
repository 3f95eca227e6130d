"""A room for each workspace that somebody hears, and the way there for those who have missed something."""

import asyncio

from sigdep.contracts.ids import WorkspaceId
from sigdep.gateway.feed import Feed
from sigdep.gateway.live.bounds import BATCH_EVENTS_MAX, CATCH_UPS_MAX, RETRY_SECONDS
from sigdep.gateway.live.counts import Counts
from sigdep.gateway.live.messages import event_frame
from sigdep.gateway.live.room import Room
from sigdep.gateway.live.subscription import Subscription
from sigdep.http.positions import FeedPosition
from sigdep.http.presence import NOBODY, WORKSPACES_AT_ONCE, Presence
from sigdep.rpc.call import Call


class Rooms:
    def __init__(self, feed: Feed, counts: Counts, presence: Presence) -> None:
        self.feed = feed
        self._counts = counts
        self._presence = presence
        presence.listen(self._presence_changed)
        self._rooms: dict[WorkspaceId, Room] = {}
        self._reading = asyncio.Semaphore(CATCH_UPS_MAX)

    async def close(self) -> None:
        rooms = list(self._rooms.values())
        for room in rooms:
            room.close()
        await asyncio.gather(*(room.closed() for room in rooms))

    async def lead_in(self, subscription: Subscription, place: FeedPosition, call: Call) -> None:
        """Tell what a reader has missed, page by page, as fast as it reads; return when it stands in the room.

        Raises:
            SigdepError: the log cannot be read at present.
        """
        caught_up, whole = False, True
        outlet = subscription.outlet
        while not subscription.over and not self._admit(subscription, place, caught_up=caught_up, whole=whole):
            async with self._reading:
                batch = await self.feed.read(subscription.workspace, place, BATCH_EVENTS_MAX, call)
                await asyncio.sleep(0)  # Reading may not have waited for anything; others have their turn.
            self._counts.catch_ups += 1
            for position, event in batch.events:
                if outlet.waiting:
                    await outlet.drained()
                if not subscription.send(event_frame(position, event)):
                    return
                self._counts.messages += 1
            if not batch.whole and not batch.more and caught_up:
                await asyncio.sleep(RETRY_SECONDS)  # What is missing stands in a log that is away.
            place, caught_up, whole = batch.next, not batch.more, batch.whole

    def _admit(self, subscription: Subscription, place: FeedPosition, *, caught_up: bool, whole: bool) -> bool:
        """As `Room.admit`. The first reader opens the room.

        Args:
            whole: no log was away. Where one was, its place there is still what the client says.
        """
        room = self._rooms.get(subscription.workspace)
        if room is None:
            if not caught_up:
                return False
            room = Room(self.feed, subscription.workspace, place, self._counts, self._presence)
            self._rooms[subscription.workspace] = room
            self._counts.workspaces = len(self._rooms)
        return room.admit(subscription, place, caught_up=caught_up and whole)

    def leave(self, subscription: Subscription) -> None:
        room = self._rooms.get(subscription.workspace)
        if room is not None:
            room.leave(subscription)
            self._close_if_empty(subscription.workspace, room)

    def tick(self, now: float) -> None:
        """
        Args:
            now: monotonic seconds.
        """
        for workspace, room in list(self._rooms.items()):
            room.tick(now)
            self._close_if_empty(workspace, room)  # Its last reader may have lost the workspace.

    async def tell_presence(self, now: float) -> None:
        """Where it is time, say who is here.

        Args:
            now: monotonic seconds.
        """
        due = [workspace for workspace, room in self._rooms.items() if room.wants_presence(now)]
        for start in range(0, len(due), WORKSPACES_AT_ONCE):
            asked = due[start : start + WORKSPACES_AT_ONCE]
            present = await self._presence.present(asked)
            for workspace in asked:
                if (room := self._rooms.get(workspace)) is not None:
                    room.tell_presence(present.get(workspace, NOBODY))

    def _presence_changed(self, workspace: WorkspaceId) -> None:
        if (room := self._rooms.get(workspace)) is not None:
            room.presence_changed()

    def _close_if_empty(self, workspace: WorkspaceId, room: Room) -> None:
        if room.is_empty:
            room.close()
            del self._rooms[workspace]
            self._counts.workspaces = len(self._rooms)
