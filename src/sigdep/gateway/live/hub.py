"""All connections of one gateway, and a look at each from time to time: may it still hear what it hears?"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from time import monotonic
from typing import Self

import structlog

from sigdep.contracts.ids import UserId
from sigdep.gateway.feed import Feed
from sigdep.gateway.live.bounds import (
    CONNECTIONS_MAX,
    LOOK_PATIENCE_SECONDS,
    LOOK_SECONDS,
    LOOKS_AT_ONCE,
    USER_CONNECTIONS_MAX,
)
from sigdep.gateway.live.counts import Counts
from sigdep.gateway.live.outlet import Outlet
from sigdep.gateway.live.presence import LocalPresence
from sigdep.gateway.live.push_spans import PushSpans
from sigdep.gateway.live.rooms import Rooms
from sigdep.gateway.live.session import Session
from sigdep.http.identity import Identities
from sigdep.http.presence import Presence
from sigdep.http.revocations import Suspects
from sigdep.kernel.errors import TooMany, Unavailable
from sigdep.rpc.call import Principal
from sigdep.telemetry.spans import Spans

_log = structlog.get_logger("sigdep.gateway")


class Hub:
    """`async with Hub(feed, identities) as hub`. Any feed will do: over the logs of this process, or over a broker."""

    def __init__(
        self, feed: Feed, identities: Identities, *, presence: Presence | None = None, spans: Spans | None = None
    ) -> None:
        """
        Args:
            presence: None: of this gateway alone.
            spans: where those of pushes go.
        """
        self.counts = Counts(None if spans is None else PushSpans(spans))
        self._rooms = Rooms(feed, self.counts, LocalPresence() if presence is None else presence)
        self._identities = identities
        self._sessions: dict[Session, None] = {}
        self._of_users: Counter[UserId] = Counter()
        self._suspects: set[UserId] = set()
        self._suspected = asyncio.Event()
        self._looks: dict[asyncio.Task[None], Session] = {}
        """Those that have not ended yet."""
        self._jobs: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        jobs = (
            self._look_for_ever(),
            self._look_at_suspects_for_ever(),
            self._tick_for_ever(),
            self._tell_presence_for_ever(),
        )
        self._jobs = [asyncio.create_task(job) for job in jobs]
        return self

    async def __aexit__(self, *_: object) -> None:
        jobs = [*self._jobs, *self._looks]
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        for session in list(self._sessions):
            self.close(session)
        await self._rooms.close()

    def open(self, principal: Principal, bearer: str, outlet: Outlet) -> Session:
        """A connection that begins. Close it.

        Raises:
            TooMany, Unavailable: as `require_place` says.
        """
        self.require_place(principal)
        session = Session(self._rooms, self._identities, principal, bearer, outlet)
        self._sessions[session] = None
        self._of_users[session.user] += 1
        self.counts.connections = len(self._sessions)
        return session

    def require_place(self, principal: Principal) -> None:
        """
        Raises:
            TooMany: the user has too many connections.
            Unavailable: there are too many of all users.
        """
        if self._of_users[principal.user_id] >= USER_CONNECTIONS_MAX:
            raise TooMany(f"You have {USER_CONNECTIONS_MAX} live connections open; close one first.", 1.0)
        if len(self._sessions) >= CONNECTIONS_MAX:
            raise Unavailable("Too many live connections are open. Please try again.", 5.0)

    def close(self, session: Session) -> None:
        """A connection that has ended. Safe to repeat."""
        if session not in self._sessions:
            return
        session.leave_all()
        del self._sessions[session]
        self._of_users[session.user] -= 1
        if not self._of_users[session.user]:
            del self._of_users[session.user]
        self.counts.connections = len(self._sessions)

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._rooms.tick(monotonic())

    async def _tell_presence_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._rooms.tell_presence(monotonic())
            except Exception as error:
                _log.error("presence cannot be told; trying again", exc_info=error)

    def suspect(self, suspects: Suspects) -> None:
        """Look at once at the connections of users whose roles or credentials have changed. Waits for nothing."""
        self._suspects |= self._of_users.keys() if suspects is None else self._of_users.keys() & set(suspects)
        if self._suspects:
            self._suspected.set()

    async def _look_at_suspects_for_ever(self) -> None:
        while True:
            await self._suspected.wait()
            self._suspected.clear()
            suspects, self._suspects = self._suspects, set()
            await self._look_at([session for session in self._sessions if session.user in suspects], suspected=True)

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            looked_at = set(self._looks.values())
            await self._look_at([session for session in self._sessions if session not in looked_at], suspected=False)

    async def _look_at(self, sessions: Sequence[Session], *, suspected: bool) -> None:
        """Whoever is waited for longer keeps nobody else waiting: who may do what is not known of everybody at once."""
        for start in range(0, len(sessions), LOOKS_AT_ONCE):
            part = sessions[start : start + LOOKS_AT_ONCE]
            looks = {asyncio.create_task(self._look(session, suspected=suspected)): session for session in part}
            self._looks |= looks
            for look in looks:
                look.add_done_callback(self._looks.pop)
            await asyncio.wait(looks, timeout=LOOK_PATIENCE_SECONDS)

    async def _look(self, session: Session, *, suspected: bool) -> None:
        try:
            await session.look(suspected=suspected)
        except Exception as error:
            _log.error("a live connection could not be looked at", exc_info=error)
            session.fail()
