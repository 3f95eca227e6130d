"""One-time tickets: a page in a browser cannot send `Authorization` with a WebSocket, so it shows one of these."""

import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable
from hashlib import sha256
from time import monotonic
from typing import Final, NamedTuple, Protocol

from sigdep.contracts.ids import UserId
from sigdep.gateway.live.bounds import TICKET_SECONDS, TICKETS_MAX, USER_TICKETS_MAX
from sigdep.kernel.errors import TooMany, Unavailable

TICKET_BYTES: Final = 32
TICKET_LENGTH_MAX: Final = 64


class Tickets(Protocol):
    """A ticket stands for the credential that it was made with, once and for TICKET_SECONDS."""

    async def make(self, user: UserId, bearer: str) -> str:
        """
        Raises:
            TooMany: the user has too many that are not used.
            Unavailable: there are too many of all users.
        """
        ...

    async def redeem(self, ticket: str) -> str | None:
        """The credential. None: there is no such ticket, or not any more."""
        ...


class _Kept(NamedTuple):
    user: UserId
    bearer: str
    until: float


class MemoryTickets:
    """For one gateway. What is kept shows no ticket: only the digests of them."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        """By digest. All live equally long, so that the oldest end first."""
        self._of_users: Counter[UserId] = Counter()

    async def make(self, user: UserId, bearer: str) -> str:
        self._forget_old()
        if self._of_users[user] >= USER_TICKETS_MAX:
            raise TooMany(f"You have {USER_TICKETS_MAX} tickets that are not used.", TICKET_SECONDS)
        if len(self._kept) >= TICKETS_MAX:
            raise Unavailable("Too many tickets are not used. Please try again.", TICKET_SECONDS)
        ticket = secrets.token_urlsafe(TICKET_BYTES)
        self._kept[_digest(ticket)] = _Kept(user, bearer, self._clock() + TICKET_SECONDS)
        self._of_users[user] += 1
        return ticket

    async def redeem(self, ticket: str) -> str | None:
        self._forget_old()
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
