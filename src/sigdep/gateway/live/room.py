"""All who hear one workspace: its log is read once, and each event encoded once, for all of them."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

import msgspec
import structlog

from sigdep.contracts.events import MemberRemoved
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.gateway.feed import Feed, FeedBatch
from sigdep.gateway.live.bounds import (
    AUDIENCE_PART,
    BATCH_EVENTS_MAX,
    HEARTBEAT_SECONDS,
    POLL_SECONDS,
    PRESENCE_LOOK_SECONDS,
    PRESENCE_SECONDS,
    REST_SECONDS_MAX,
    RETRY_SECONDS,
)
from sigdep.gateway.live.counts import Counts
from sigdep.gateway.live.messages import event_frame, heartbeat_frame, present_frame
from sigdep.gateway.live.places import reaches
from sigdep.gateway.live.recent import Entry, Recent
from sigdep.gateway.live.subscription import Subscription
from sigdep.http.positions import FeedPosition
from sigdep.http.presence import NOBODY, Presence, Present
from sigdep.http.stamps import new_id, utc_now
from sigdep.kernel.errors import NotFound, Unavailable
from sigdep.kernel.ids import CommandId
from sigdep.rpc.call import Call

MEMBER_REMOVED: Final = "sigdep.users.MemberRemoved"

_log = structlog.get_logger("sigdep.gateway")


class Room:
    """Nothing in it waits for a reader: what a reader does not take is its outlet's to keep or to refuse."""

    def __init__(
        self, feed: Feed, workspace: WorkspaceId, start: FeedPosition, counts: Counts, presence: Presence
    ) -> None:
        """
        Args:
            start: where the first reader stands.
        """
        self._feed = feed
        self._workspace = workspace
        self._counts = counts
        self._presence = presence
        self._place = start
        self._recent = Recent(start)
        self._members: dict[Subscription, None] = {}
        """In the order in which they came."""
        self._users: Counter[UserId] = Counter()
        """How many subscriptions each user has here."""
        self._woken = False
        self._told_at = monotonic()
        self._presence_asked_at = 0.0
        self._presence_changed = False
        self._presence_told = NOBODY
        self._job = asyncio.create_task(self._run())

    @property
    def is_empty(self) -> bool:
        return not self._members

    def close(self) -> None:
        self._job.cancel()

    async def closed(self) -> None:
        """Return when its job has ended."""
        with suppress(asyncio.CancelledError):
            await self._job

    def admit(self, subscription: Subscription, place: FeedPosition, *, caught_up: bool) -> bool:
        """Take a reader in, and give it what it has missed. False: we have not kept all of that.

        Args:
            place: where it stands.
            caught_up: it has come there through the log. Else it is what a client says: a place after ours may lie
                behind the end of the log, and must be compared with that first.
        """
        if not self._recent.covers(place) or not (caught_up or reaches(self._place, place)):
            return False
        self._counts.messages += subscription.take(self._recent.after(place), place)
        self._settle(subscription)
        self._members[subscription] = None
        self._counts.subscriptions += 1
        self._users[subscription.user] += 1
        self._presence.enter(self._workspace, subscription.user)
        self.presence_changed()
        return True

    def leave(self, subscription: Subscription) -> None:
        if subscription in self._members:
            del self._members[subscription]
            self._counts.subscriptions -= 1
            self._users[subscription.user] -= 1
            if not self._users[subscription.user]:
                del self._users[subscription.user]
                self._presence.leave(self._workspace, subscription.user)

    def tick(self, now: float) -> None:
        """Say from time to time that we still are here."""
        if now - self._told_at >= HEARTBEAT_SECONDS:
            self._told_at = now
            frame = heartbeat_frame(self._workspace, self._place)
            for member in self._members:
                if member.ahead is None:
                    member.outlet.send_frames(frame)

    def presence_changed(self) -> None:
        """Somebody came or went, or asks for the first time."""
        self._presence_changed = True

    def wants_presence(self, now: float) -> bool:
        """Whether it is time to ask who is here, and to `tell_presence`. Yes is said once."""
        silent_seconds = now - self._presence_asked_at
        if silent_seconds < (PRESENCE_SECONDS if self._presence_changed else PRESENCE_LOOK_SECONDS):
            return False
        if not any(member.presence for member in self._members):
            return False
        self._presence_asked_at = now
        if self._presence_changed:
            self._presence_changed, self._presence_told = False, NOBODY  # Told in any case, to whoever is new.
        return True

    def tell_presence(self, present: Present) -> None:
        if present == self._presence_told:
            return
        self._presence_told = present
        frame = present_frame(self._workspace, present.users, present.count)
        for member in self._members:
            if member.presence:
                member.outlet.send_frames(frame)

    async def _run(self) -> None:
        while True:
            try:
                await self._go_on()
            except Unavailable:  # The feed says which logs are away, once for all rooms.
                await asyncio.sleep(RETRY_SECONDS)
            except Exception as error:
                _log.error("a workspace cannot be read for its listeners; trying again", exc_info=error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _go_on(self) -> None:
        batch = await self._look()
        begun = monotonic()
        await self._tell(batch)
        if batch.more:
            await asyncio.sleep(0)  # Reading may not have waited for anything; others have their turn.
        else:
            await asyncio.sleep(min(monotonic() - begun, REST_SECONDS_MAX))
            self._woken = await self._feed.changed(self._workspace, self._place, POLL_SECONDS)

    async def _look(self) -> FeedBatch:
        """Who has been woken finds it at hand. Else the log is asked: it is the truth, and the other a hint."""
        call = Call(asked_at=utc_now(), command_id=CommandId(new_id()))
        # While a log is away, what the others bring is told between the attempts to ask it.
        woken, self._woken = self._woken, True
        if woken:
            recent = self._feed.recent(self._workspace, self._place, BATCH_EVENTS_MAX, call)
            if recent is not None:
                return recent
        return await self._feed.read(self._workspace, self._place, BATCH_EVENTS_MAX, call)

    async def _tell(self, batch: FeedBatch) -> None:
        entries = [Entry(position, event, event_frame(position, event)) for position, event in batch.events]
        removed = [user for entry in entries if (user := _removed_user(entry)) is not None]
        for entry in entries:
            self._recent.add(entry)
        self._place = batch.next
        if entries:
            self._told_at = monotonic()
        # Before anything of this batch is told: there is no order between the log of people and others.
        for user in removed:
            self._remove(user)
        # Whoever comes from here on, while we write to the others, is given these by `admit`.
        audience, begun = list(self._members), monotonic()
        await self._write(entries, audience)
        self._counts.told([entry.event for entry in entries], len(audience), monotonic() - begun)
        for member in audience:
            self._settle(member)

    def _remove(self, user: UserId) -> None:
        """The log says it, and so it is: whoever has been taken in again since only needs to subscribe again."""
        for member in [member for member in self._members if member.user == user]:
            self.leave(member)
            member.end(NotFound("You are no member of this workspace any more."))

    async def _write(self, entries: Sequence[Entry], audience: Sequence[Subscription]) -> None:
        if not entries:
            return
        personal = any(entry.event.recipientid is not None for entry in entries)
        frames = b"".join(entry.frame for entry in entries)
        for index, member in enumerate(audience):
            if index % AUDIENCE_PART == AUDIENCE_PART - 1:
                await asyncio.sleep(0)
            if member.over:
                continue
            if member.ahead is not None:
                self._counts.messages += member.take(entries, member.ahead)
            elif personal:
                self._tell_alone(entries, member)
            else:
                member.outlet.send_frames(frames)
                self._counts.messages += len(entries)

    def _tell_alone(self, entries: Sequence[Entry], member: Subscription) -> None:
        """What is for one user alone is kept from all others. Their next position is past it."""
        theirs = [entry.frame for entry in entries if entry.is_for(member.user)]
        if theirs:
            member.outlet.send_frames(b"".join(theirs))
            self._counts.messages += len(theirs)

    def _settle(self, member: Subscription) -> None:
        """A reader who has passed nothing that the room has not goes on as all others do."""
        if member.ahead is not None and reaches(self._place, member.ahead):
            member.ahead = None


def _removed_user(entry: Entry) -> UserId | None:
    if entry.event.type != MEMBER_REMOVED:
        return None
    return msgspec.convert(entry.event.data, MemberRemoved, from_attributes=True).user_id
