"""One-time tickets in the memory of one gateway."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from hashlib import sha256
from time import monotonic
from typing import NamedTuple

from sigdep.contracts.ids import UserId
from sigdep.http.tickets import BOUNDS, TicketBounds, may_be_ticket, new_ticket, too_many_of_a_user, too_many_of_all


class _Kept(NamedTuple):
    user: UserId
    bearer: str
    until: float


class MemoryTickets:
    """For one gateway. What is kept shows no ticket: only the digests of them."""

    def __init__(self, bounds: TicketBounds = BOUNDS, *, clock: Callable[[], float] = monotonic) -> None:
        self._bounds = bounds
        self._clock = clock
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        """By digest. All live equally long, so that the oldest end first."""
        self._of_users: Counter[UserId] = Counter()

    async def make(self, user: UserId, bearer: str) -> str:
        self._forget_old()
        if self._of_users[user] >= self._bounds.of_a_user:
            raise too_many_of_a_user(self._bounds)
        if len(self._kept) >= self._bounds.of_all:
            raise too_many_of_all(self._bounds)
        ticket = new_ticket()
        self._kept[_digest(ticket)] = _Kept(user, bearer, self._clock() + self._bounds.seconds)
        self._of_users[user] += 1
        return ticket

    async def redeem(self, ticket: str) -> str | None:
        self._forget_old()
        if not may_be_ticket(ticket):
            return None
        kept = self._kept.pop(_digest(ticket), None)
        if kept is None:
            return None
        self._count_down(kept.user)
        return kept.bearer

    def _forget_old(self) -> None:
        now = self._clock()
        while self._kept and next(iter(self._kept.values())).until <= now:
            _, gone = self._kept.popitem(last=False)
            self._count_down(gone.user)

    def _count_down(self, user: UserId) -> None:
        self._of_users[user] -= 1
        if not self._of_users[user]:
            del self._of_users[user]


def _digest(ticket: str) -> bytes:
    return sha256(ticket.encode()).digest()
