"""One connection: what its client asks for, and whether it still may."""

import asyncio
from typing import Final

import structlog
from msgspec import UNSET, UnsetType

from sigdep.contracts.ids import WorkspaceId
from sigdep.gateway.feed import starting_place
from sigdep.gateway.gcra import Gcra
from sigdep.gateway.live.bounds import MESSAGES_BURST, MESSAGES_PER_SECOND, REFUSALS_MAX, SUBSCRIPTIONS_MAX
from sigdep.gateway.live.closing import Close
from sigdep.gateway.live.messages import (
    Subscribe,
    Unsubscribe,
    error_frame,
    read_message,
    subscribed_frame,
)
from sigdep.gateway.live.outlet import Outlet
from sigdep.gateway.live.rooms import Rooms
from sigdep.gateway.live.subscription import Subscription
from sigdep.http.identity import Identities
from sigdep.http.limiting import Rate
from sigdep.http.positions import FeedPosition
from sigdep.http.stamps import new_id, utc_now
from sigdep.kernel.errors import NotFound, Refused, SigdepError, TooMany, Unauthenticated, Unavailable
from sigdep.kernel.ids import CommandId, partition_of
from sigdep.rpc.call import Call, Principal

MESSAGE_RATE: Final = Rate(per_second=MESSAGES_PER_SECOND, burst=MESSAGES_BURST)

_log = structlog.get_logger("sigdep.gateway")


class Session:
    def __init__(self, rooms: Rooms, identities: Identities, principal: Principal, bearer: str, outlet: Outlet) -> None:
        self.user = principal.user_id
        self._rooms = rooms
        self._identities = identities
        self._principal = principal
        self._bearer = bearer
        self._outlet = outlet
        self._subscriptions: dict[WorkspaceId, Subscription] = {}
        self._jobs: dict[Subscription, asyncio.Task[None]] = {}
        """Those that are catching up."""
        self._lost: set[WorkspaceId] = set()
        """Workspaces that the client was told it may not hear any more: what is remembered of them may be older."""
        self._refusals = 0
        self._limiter = Gcra(MESSAGE_RATE)

    def hear(self, text: str | None) -> None:
        """One message of the client. None: it was binary."""
        try:
            if wait := self._limiter.take("").retry_seconds:
                raise TooMany("You have asked too much in too short a time. Wait a little, then go on.", wait)
            message = read_message(text)
            if isinstance(message, Subscribe):
                self._subscribe(message)
            else:
                self._unsubscribe(message)
        except SigdepError as refusal:
            self._refusals += 1
            self._outlet.send_frames(error_frame(refusal))
            if self._refusals >= REFUSALS_MAX:
                self._outlet.end(Close.MALFORMED)

    def _subscribe(self, asked: Subscribe) -> None:
        """
        Raises:
            Refused: the client hears the workspace already, or too many of them.
        """
        given = asked.workspace_id
        workspace = self._principal.personal_workspace_id if given is UNSET else given
        self._forget_ended()
        if workspace in self._subscriptions:
            raise Refused("You hear this workspace already; unsubscribe first.")
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            raise Refused(f"You hear {SUBSCRIPTIONS_MAX} workspaces already; unsubscribe from one first.")
        subscription = Subscription(workspace, self.user, self._outlet, presence=asked.presence)
        self._subscriptions[workspace] = subscription
        job = asyncio.create_task(self._follow(subscription, asked.from_))
        self._jobs[subscription] = job
        job.add_done_callback(lambda _: self._jobs.pop(subscription, None))

    def _unsubscribe(self, asked: Unsubscribe) -> None:
        """
        Raises:
            NotFound: the client does not hear the workspace.
        """
        self._forget_ended()
        subscription = self._subscriptions.get(asked.workspace_id)
        if subscription is None:
            raise NotFound("You do not hear this workspace.")
        self._end(subscription, None)

    def _forget_ended(self) -> None:
        """Those that the room has ended."""
        self._lost |= {workspace for workspace, subscription in self._subscriptions.items() if subscription.over}
        self._subscriptions = {
            workspace: subscription for workspace, subscription in self._subscriptions.items() if not subscription.over
        }

    def _end(self, subscription: Subscription, why: Exception | None) -> None:
        self._rooms.leave(subscription)
        if (job := self._jobs.get(subscription)) is not None:
            job.cancel()
        subscription.end(why)
        if self._subscriptions.get(subscription.workspace) is subscription:
            del self._subscriptions[subscription.workspace]

    async def _follow(self, subscription: Subscription, start: str | UnsetType) -> None:
        """From where the client wants to begin until it stands where all others stand."""
        try:
            await self._require_member(subscription.workspace)
            place = await starting_place(self._rooms.feed, subscription.workspace, start, "/subscribe/from")
            if place is None:
                place = FeedPosition(partition_of(subscription.workspace), {})
            self._outlet.send_frames(subscribed_frame(subscription.workspace, place))
            call = Call(asked_at=utc_now(), command_id=CommandId(new_id()), principal=self._principal)
            await self._rooms.lead_in(subscription, place, call)
        except SigdepError as refusal:
            self._jobs.pop(subscription, None)
            self._end(subscription, refusal)
        except Exception as error:
            _log.error("a live subscription failed", exc_info=error)
            self.fail()

    async def _require_member(self, workspace: WorkspaceId) -> None:
        """A "no" may rest on old roles, and so may a "yes" after a removal: both are asked again.

        Raises:
            NotFound: no member of the workspace.
            Unauthenticated, Unavailable: as `Identities.principal` says.
        """
        if workspace not in self._principal.roles or workspace in self._lost:
            self._principal = await self._identities.principal(self._bearer, fresh=True)
        self._principal.require(workspace, "viewer", "This workspace")
        self._lost.discard(workspace)

    async def look(self, *, suspected: bool = False) -> None:
        """Make sure that the client may still hear what it hears.

        Args:
            suspected: something has changed for this user, and others may not have heard of it yet: ask past them.
        """
        try:
            self._principal = await self._identities.principal(self._bearer, fresh=suspected)
            if not suspected and any(workspace not in self._principal.roles for workspace in self._subscriptions):
                self._principal = await self._identities.principal(self._bearer, fresh=True)
        except Unauthenticated:
            self._outlet.end(Close.UNAUTHENTICATED)
        except Unavailable:
            if not suspected:  # The next ordinary look asks less.
                self._outlet.end(Close.UNAVAILABLE)
        else:
            for workspace, subscription in list(self._subscriptions.items()):
                if workspace not in self._principal.roles:
                    self._end(subscription, NotFound("You are no member of this workspace any more."))

    def fail(self) -> None:
        """A bug: the client comes back, and goes on where it was."""
        self._outlet.end(Close.BUG)

    def leave_all(self) -> None:
        """The connection has ended."""
        for subscription in list(self._subscriptions.values()):
            self._end(subscription, None)
