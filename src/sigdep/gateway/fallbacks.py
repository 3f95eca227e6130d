"""What gateways share, and what each of them does alone while that is away: never more open, never closed."""

from collections.abc import Collection, Mapping

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.gateway.gcra import Gcra
from sigdep.http.limiting import Allowance, Limiter, Limiters, Rate
from sigdep.http.presence import Changed, Presence, Present
from sigdep.http.sharing import SharedAway
from sigdep.http.tickets import Tickets


class FallbackLimiter:
    """The local limiter counts along, so that nobody wins a burst here by the shared one's going away."""

    def __init__(self, shared: Limiter, alone: Gcra) -> None:
        self._shared = shared
        self._alone = alone

    async def take(self, caller: str) -> Allowance:
        try:
            allowance = await self._shared.take(caller)
        except SharedAway:
            return self._alone.take(caller)
        if not allowance.retry_seconds:
            self._alone.take(caller)
        return allowance

    def exhausted(self, caller: str) -> float:
        return max(self._shared.exhausted(caller), self._alone.exhausted(caller))


class FallbackLimiters:
    def __init__(self, shared: Limiters) -> None:
        self._shared = shared

    def limiter(self, name: str, rate: Rate) -> Limiter:
        return FallbackLimiter(self._shared.limiter(name, rate), Gcra(rate))


class FallbackTickets:
    """A ticket that was made while the shared ones were away opens a WebSocket at this gateway only."""

    def __init__(self, shared: Tickets, alone: Tickets) -> None:
        self._shared = shared
        self._alone = alone

    async def make(self, user: UserId, bearer: str) -> str:
        try:
            return await self._shared.make(user, bearer)
        except SharedAway:
            return await self._alone.make(user, bearer)

    async def redeem(self, ticket: str) -> str | None:
        bearer = await self._alone.redeem(ticket)
        if bearer is not None:
            return bearer
        try:
            return await self._shared.redeem(ticket)
        except SharedAway:
            return None


class FallbackPresence:
    """While what others say is away, each gateway tells of its own."""

    def __init__(self, shared: Presence, alone: Presence) -> None:
        self._shared = shared
        self._alone = alone

    def enter(self, workspace: WorkspaceId, user: UserId) -> None:
        self._alone.enter(workspace, user)
        self._shared.enter(workspace, user)

    def leave(self, workspace: WorkspaceId, user: UserId) -> None:
        self._alone.leave(workspace, user)
        self._shared.leave(workspace, user)

    async def present(self, workspaces: Collection[WorkspaceId]) -> Mapping[WorkspaceId, Present]:
        try:
            return await self._shared.present(workspaces)
        except SharedAway:
            return await self._alone.present(workspaces)

    def listen(self, changed: Changed) -> None:
        self._alone.listen(changed)
        self._shared.listen(changed)
